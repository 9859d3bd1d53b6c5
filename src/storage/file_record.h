// One record in one file: written whole or not at all, and checked when it is read; and other files
// that are written so. Blocking calls: for a BlockingPool.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gatehouse::storage {

// A file holds one line "gatehouse-record 1 LENGTH CRC32" and then the record's bytes, so that a
// cut or changed file is told from a good one, and a person can still read it.

// The record in `file`. Errors: kNotFound, kDamaged, kTooLarge, kIo, all naming the file.
base::Result<std::string> read_record(const std::filesystem::path& file);

// Writes `record` to a new file in `temporary` (0600), fsyncs it, renames it to `file`, and fsyncs
// the folder. Makes missing folders (0700). Errors: kIo, kDenied, kTooLarge; `file` is untouched.
base::Result<void> write_record(const std::filesystem::path& file,
                                const std::filesystem::path& temporary, std::string_view record);

// The same with `bytes` as they stand, for others to read: by way of a new file beside `file`,
// which gets the permissions `mode` when it is whole. The folder must be there. Errors: kIo,
// kDenied; `file` is untouched.
base::Result<void> write_whole(const std::filesystem::path& file, std::string_view bytes,
                               mode_t mode);

// Makes `folder` and those above it, 0700, durably. Errors: kIo, kDenied.
base::Result<void> make_folders(const std::filesystem::path& folder);

// fsyncs a folder, so that a rename in it survives a power cut.
base::Result<void> sync_folder(const std::filesystem::path& folder);

// Removes files in `temporary` that no living process is writing: what a crash left behind.
void remove_leftovers(const std::filesystem::path& temporary);

}  // namespace gatehouse::storage
