// Files of certificates that others are checked by.
#pragma once

#include <openssl/base.h>

#include <string>
#include <vector>

#include "base/error.h"

namespace gatehouse::tls {

// The certificates of a PEM file, kMostRoots at most. Reads the file: at start, or on a
// BlockingPool. Errors: kIo, kMalformed with the file's name.
base::Result<std::vector<bssl::UniquePtr<X509>>> read_roots(const std::string& file);

}  // namespace gatehouse::tls
