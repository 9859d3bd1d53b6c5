// Small files of others, read whole: certificates, keys, what other programs keep.
#pragma once

#include <cstddef>
#include <string>

#include "base/error.h"

namespace gatehouse::certs {

inline constexpr std::size_t kLargestPemFile = 1024 * 1024;  // bytes

// Blocks. Errors: kNotFound, kDenied, kIo, and kTooLarge beyond `most` bytes, naming the file.
base::Result<std::string> read_text_file(const std::string& path,
                                         std::size_t most = kLargestPemFile);

}  // namespace gatehouse::certs
