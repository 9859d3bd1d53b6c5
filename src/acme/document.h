// Reading a CA's JSON without trust: any bytes may come, from the CA or from a proxy before it.
// Included by the parsers of this folder only, since nlohmann/json is slow to compile.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gatehouse::acme {

using Json = nlohmann::json;

// Bounds of what is read; real answers stay far below.
inline constexpr std::size_t kDocumentBytes = 256 * 1024;  // an order of 100 names has about 20 KiB
inline constexpr std::size_t kDocumentDepth = 16;          // RFC 8555's deepest object has 4
inline constexpr std::size_t kListEntries = 256;           // authorizations, challenges, problems
inline constexpr std::size_t kTextBytes = 2048;            // a URL, a token, a sentence

// A JSON object. Errors: kTooLarge over a bound, kMalformed for anything else than an object.
base::Result<Json> parse_object(std::string_view body);

// The string under `key`; empty when it is missing, no string, or longer than kTextBytes.
std::string text_at(const Json& object, std::string_view key);
// The number under `key`; `otherwise` when it is missing, no integer, or out of range.
int number_at(const Json& object, std::string_view key, int otherwise);
bool true_at(const Json& object, std::string_view key);
// The strings of the array under `key`, other entries left out; at most kListEntries.
std::vector<std::string> texts_at(const Json& object, std::string_view key);
// The objects of the array under `key`, other entries left out; at most kListEntries. They borrow
// from `object`.
std::vector<const Json*> objects_at(const Json& object, std::string_view key);
// The object under `key`, or null.
const Json* object_at(const Json& object, std::string_view key);

// `json` as text; bytes that are no UTF-8 become U+FFFD.
std::string to_text(const Json& json);

}  // namespace gatehouse::acme
