#include "certs/document.h"

namespace gatehouse::certs {

Json new_document() {
  Json object;
  object["version"] = kRecordVersion;
  return object;
}

std::string text_of(const Json& document) {
  return document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

base::Result<Json> parse_document(std::string_view text) {
  Json parsed = Json::parse(text, nullptr, false);
  if (parsed.is_discarded() || !parsed.is_object()) return damaged("it is no JSON object");
  const auto version = parsed.find("version");
  if (version == parsed.end() || !version->is_number_integer()) {
    return damaged("it has no version");
  }
  if (version->get<std::int64_t>() != kRecordVersion) return damaged("its version is not known");
  return parsed;
}

base::Result<std::string> text_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) {
    return damaged(std::string("it has no text '") + key + "'");
  }
  return found->get<std::string>();
}

base::Result<base::WallTime> time_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) {
    return damaged(std::string("it has no time '") + key + "'");
  }
  return base::WallTime(std::chrono::seconds(found->get<std::int64_t>()));
}

}  // namespace gatehouse::certs
