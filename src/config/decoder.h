// Turns a tree into values and collects everything that is wrong on the way. Knows nothing of the
// model: what an object may hold is told by tables of Field (keys.cc), from which the schema is
// made too.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"

namespace gatehouse::config {

using Schema = nlohmann::ordered_json;
// The value of an environment variable, or null when it is not set.
using Environment = std::function<const char*(const char*)>;

// Where we are while decoding, and what was found wrong so far.
class Decoder {
 public:
  Decoder(const Environment& environment, std::vector<ConfigError>& errors)
      : environment_(environment), errors_(errors) {}

  // Notes an error at `node`, which stands at the current place.
  void wrong(const Node& node, std::string message);
  // "expected X, found Y" at `node`. Returns false, for `return decoder.expected(…)`.
  bool expected(const Node& node, std::string_view what);
  // The string with ${NAME} and ${NAME:-default} replaced; an error for an unset one.
  bool string(const Node& node, std::string& out);

  const std::string& pointer() const { return pointer_; }
  const Environment& environment() const { return environment_; }

  // Goes one level down while it lives.
  class At {
   public:
    At(Decoder& decoder, std::string_view key) : decoder_(decoder), size_(decoder.pointer_.size()) {
      decoder.pointer_ = pointer_to(decoder.pointer_, key);
    }
    At(Decoder& decoder, std::size_t index) : At(decoder, std::to_string(index)) {}
    ~At() { decoder_.pointer_.resize(size_); }
    At(const At&) = delete;
    At& operator=(const At&) = delete;

   private:
    Decoder& decoder_;
    std::size_t size_;
  };

  // Notes an unknown key, with the nearest of `known` proposed.
  void unknown_key(const Node::Member& member, const std::vector<std::string_view>& known);

 private:
  const Environment& environment_;
  std::vector<ConfigError>& errors_;
  std::string pointer_;
};

// One key of an object of type T.
template <class T>
struct Field {
  std::string_view key;
  std::string_view doc;
  void (*read)(Decoder&, const Node&, T&);
  Schema (*schema)();
};

// Reads the members of `node` by the table. Unknown keys are errors.
template <class T>
bool read_object(Decoder& decoder, const Node& node, std::span<const Field<T>> fields, T& out) {
  if (node.kind != Node::Kind::kObject) return decoder.expected(node, "an object");
  for (const auto& member : node.members) {
    const Field<T>* found = nullptr;
    for (const auto& field : fields) {
      if (field.key == member.key) found = &field;
    }
    if (found != nullptr) {
      Decoder::At at(decoder, member.key);
      found->read(decoder, member.value, out);
    } else {
      std::vector<std::string_view> known;
      for (const auto& field : fields) known.push_back(field.key);
      decoder.unknown_key(member, known);
    }
  }
  return true;
}

template <class T>
Schema object_schema(std::span<const Field<T>> fields) {
  Schema schema = {{"type", "object"}, {"additionalProperties", false}};
  for (const auto& field : fields) {
    Schema of_key = field.schema();
    of_key["description"] = field.doc;
    schema["properties"][std::string(field.key)] = std::move(of_key);
  }
  return schema;
}

}  // namespace gatehouse::config
