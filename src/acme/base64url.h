// Base64 with the URL-safe alphabet and without padding (RFC 7515 2, RFC 4648 5).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/buffer.h"

namespace gatehouse::acme {

std::string base64url(base::Bytes bytes);
inline std::string base64url(std::string_view bytes) { return base64url(base::as_bytes(bytes)); }

// The bytes of `text`, in either alphabet, padded or not, white space around it ignored: CAs hand
// out keys in every form. Nothing when it holds anything else, or a length that no bytes have.
std::optional<std::string> decode_base64(std::string_view text);

// Whether `text` consists of 1 to `largest` characters of the URL-safe alphabet.
bool is_base64url(std::string_view text, std::size_t largest);

}  // namespace gatehouse::acme
