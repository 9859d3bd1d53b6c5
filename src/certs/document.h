// The JSON of our own records in storage: an object with a `version`. Included by who writes and
// reads records only, since nlohmann/json is slow to compile.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace gatehouse::certs {

using Json = nlohmann::json;

inline constexpr int kRecordVersion = 1;

inline std::unexpected<base::Error> damaged(std::string what) {
  return base::fail(base::Code::kDamaged, base::Side::kStorage, std::move(what));
}

inline std::int64_t seconds_of(base::WallTime at) { return at.time_since_epoch().count(); }

// An object of our version, to be filled.
Json new_document();
std::string text_of(const Json& document);

// Reads an object of our version. Error: kDamaged, as all here, saying what is wrong.
base::Result<Json> parse_document(std::string_view text);
base::Result<std::string> text_in(const Json& object, const char* key);
base::Result<base::WallTime> time_in(const Json& object, const char* key);

}  // namespace gatehouse::certs
