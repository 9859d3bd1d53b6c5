#include "acme/document.h"

#include <algorithm>
#include <limits>

#include "acme/problem.h"

namespace gatehouse::acme {

namespace {

using base::Code;
using base::Side;

// Brackets open at once, outside strings. The parser itself has no such bound.
std::size_t depth_of(std::string_view body) {
  std::size_t depth = 0;
  std::size_t deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

const Json* member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

const Json* array_at(const Json& object, std::string_view key) {
  const Json* value = member(object, key);
  return value != nullptr && value->is_array() ? value : nullptr;
}

}  // namespace

base::Result<Json> parse_object(std::string_view body) {
  if (body.size() > kDocumentBytes) {
    return base::fail(Code::kTooLarge, Side::kCa,
                      "the CA's answer has " + std::to_string(body.size()) + " bytes, over " +
                          std::to_string(kDocumentBytes));
  }
  if (depth_of(body) > kDocumentDepth) {
    return base::fail(Code::kTooLarge, Side::kCa, "the CA's answer is nested too deeply");
  }
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) {
    const std::string begin =
        body.empty() ? "it is empty" : "it begins with \"" + printable(body, 32) + "\"";
    return base::fail(Code::kMalformed, Side::kCa,
                      "the CA's answer is not a JSON object: " + begin);
  }
  return json;
}

std::string text_at(const Json& object, std::string_view key) {
  const Json* value = member(object, key);
  if (value == nullptr) return {};
  const auto* text = value->get_ptr<const std::string*>();
  return text == nullptr || text->size() > kTextBytes ? std::string() : *text;
}

int number_at(const Json& object, std::string_view key, int otherwise) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_number_integer()) return otherwise;
  if (value->is_number_unsigned()) {
    const auto number = value->get<std::uint64_t>();
    return number > std::numeric_limits<int>::max() ? otherwise : static_cast<int>(number);
  }
  const auto number = value->get<std::int64_t>();
  return number < std::numeric_limits<int>::min() ? otherwise : static_cast<int>(number);
}

bool true_at(const Json& object, std::string_view key) {
  const Json* value = member(object, key);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

std::vector<std::string> texts_at(const Json& object, std::string_view key) {
  std::vector<std::string> out;
  const Json* array = array_at(object, key);
  if (array == nullptr) return out;
  for (const Json& entry : *array) {
    const auto* text = entry.get_ptr<const std::string*>();
    if (text == nullptr || text->size() > kTextBytes) continue;
    if (out.size() == kListEntries) break;
    out.push_back(*text);
  }
  return out;
}

std::vector<const Json*> objects_at(const Json& object, std::string_view key) {
  std::vector<const Json*> out;
  const Json* array = array_at(object, key);
  if (array == nullptr) return out;
  for (const Json& entry : *array) {
    if (!entry.is_object()) continue;
    if (out.size() == kListEntries) break;
    out.push_back(&entry);
  }
  return out;
}

const Json* object_at(const Json& object, std::string_view key) {
  const Json* value = member(object, key);
  return value != nullptr && value->is_object() ? value : nullptr;
}

std::string to_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace gatehouse::acme
