// Whose the files are that a command makes which root runs beside a gatehouse of another user.
#pragma once

#include <filesystem>

#include "storage/file_descriptor.h"

namespace gatehouse::storage {

// Gives what root has just made to the owner of the folder that it lies in; nothing for anybody
// else, and for what was there before. Blocks.
void give_to_owner_of(const std::filesystem::path& folder, const FileDescriptor& made);

}  // namespace gatehouse::storage
