// What the system says of a file, as an error of storage.
#pragma once

#include <cerrno>
#include <filesystem>
#include <string>

#include "base/error.h"

namespace gatehouse::storage {

// From errno, right after the call: "<what> <file>: <why>".
inline std::unexpected<base::Error> failed(std::string_view what,
                                           const std::filesystem::path& file) {
  return base::fail(
      base::from_errno(errno, base::Side::kStorage, std::string(what) + " " + file.string()));
}

}  // namespace gatehouse::storage
