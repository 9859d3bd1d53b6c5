// PEM (RFC 7468): blocks in, blocks out. Bounded; reads bytes of strangers.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gatehouse::tls {

inline constexpr std::size_t kMostPem = 1024 * 1024;  // bytes of a text that is read
inline constexpr std::size_t kMostChain = 16;         // certificates in a chain
inline constexpr std::size_t kMostRoots = 1024;       // certificates in a file of trust roots

// The contents (DER) of the blocks labelled `label` in order; other blocks are passed over.
// Errors: kTooLarge over kMostPem bytes or `most` blocks; kMalformed when a block has no end, is
// no base64, or when there is none.
base::Result<std::vector<std::string>> pem_blocks(std::string_view text, std::string_view label,
                                                  std::size_t most);

// One block, with lines of 64 characters.
std::string pem_block(std::string_view label, std::string_view der);

}  // namespace gatehouse::tls
