// How each type of value is read, and what the schema says of it. A codec has `Value`, `read`
// (false after an error that it noted) and `schema`.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "config/decoder.h"
#include "config/model.h"

namespace gatehouse::config::codec {

// A token (RFC 9110 5.6.2), such as a field's name.
bool is_token(std::string_view text);

struct Text {
  using Value = std::string;
  static bool read(Decoder& d, const Node& node, Value& out) { return d.string(node, out); }
  static Schema schema() { return {{"type", "string"}}; }
};

// A string, or {"file": PATH}: then the file's contents without trailing white space.
struct Secret {
  using Value = std::string;
  static bool read(Decoder& d, const Node& node, Value& out);
  static Schema schema();
};

struct Flag {
  using Value = bool;
  static bool read(Decoder& d, const Node& node, Value& out);
  static Schema schema() { return {{"type", "boolean"}}; }
};

// A whole number from Low to High.
template <class T, std::uint64_t Low, std::uint64_t High>
struct Number {
  using Value = T;
  static bool read(Decoder& d, const Node& node, Value& out) {
    if (node.kind != Node::Kind::kNumber || !node.whole || node.number < Low ||
        node.number > High) {
      return d.expected(
          node, "a whole number from " + std::to_string(Low) + " to " + std::to_string(High));
    }
    out = static_cast<T>(node.number);
    return true;
  }
  static Schema schema() { return {{"type", "integer"}, {"minimum", Low}, {"maximum", High}}; }
};

// "500ms", "30s", "5m", "24h", "7d"; 0 turns a limit off.
struct Duration {
  using Value = base::Duration;
  static bool read(Decoder& d, const Node& node, Value& out);
  static Schema schema();
};

// "64KiB", "10MiB", "1GiB", or plain bytes.
struct Size {
  using Value = std::uint64_t;
  static bool read(Decoder& d, const Node& node, Value& out);
  static Schema schema();
};

// "host:port", ":port", "[::1]:port", "unix:/path".
struct ListenAddress {
  using Value = Address;
  static bool read(Decoder& d, const Node& node, Value& out);
  static Schema schema();
};

// "10.0.0.0/8", "2001:db8::/32", or one address.
struct IpRange {
  using Value = base::IpRange;
  static bool read(Decoder& d, const Node& node, Value& out);
  static Schema schema() { return Text::schema(); }
};

// A field's name that has "_" or "." in it; in lower case.
struct OddFieldName {
  using Value = std::string;
  static bool read(Decoder& d, const Node& node, Value& out);
  static Schema schema() { return {{"type", "string"}, {"pattern", "[_.$]"}}; }
};

// "192.0.2.53", "192.0.2.53:5353", "[2001:db8::53]"; without a port, 53.
struct DnsIp {
  using Value = DnsServer;
  static bool read(Decoder& d, const Node& node, Value& out);
  static Schema schema() { return Text::schema(); }
};

// The same, or a host name in the address' place.
struct DnsHost {
  using Value = DnsServer;
  static bool read(Decoder& d, const Node& node, Value& out);
  static Schema schema() { return Text::schema(); }
};

// "http://host[:port]", "https://…", "h2c://…" or "unix:/path".
struct ServerUrl {
  using Value = UpstreamServer;
  static bool read(Decoder& d, const Node& node, Value& out);
  static Schema schema();
};

// The schema of an object that has exactly one of `keys`.
Schema with_one_of(Schema object, std::initializer_list<const char*> keys);

// One of the strings that T is called; `Names` is a table of pairs.
template <const auto& Names>
struct Word {
  using Value = decltype(Names[0].second);
  static bool read(Decoder& d, const Node& node, Value& out) {
    std::string text;
    if (!d.string(node, text)) return false;
    std::string all;
    for (const auto& one : Names) {
      if (one.first == text) {
        out = one.second;
        return true;
      }
      all += (all.empty() ? "\"" : ", \"") + std::string(one.first) + "\"";
    }
    return d.expected(node, "one of " + all);
  }
  static Schema schema() {
    Schema words = Schema::array();
    for (const auto& one : Names) words.push_back(one.first);
    const Schema variable = {{"type", "string"}, {"pattern", "\\$\\{"}};
    return {{"anyOf", Schema::array({{{"enum", words}}, variable})}};
  }
};

// A list of C; with OrOne, a single C stands for a list of one.
template <class C, bool OrOne = false>
struct List {
  using Value = std::vector<typename C::Value>;
  static bool read(Decoder& d, const Node& node, Value& out) {
    out.clear();
    if (OrOne && node.kind != Node::Kind::kList) {
      typename C::Value one{};
      if (!C::read(d, node, one)) return false;
      out.push_back(std::move(one));
      return true;
    }
    if (node.kind != Node::Kind::kList) return d.expected(node, "a list");
    bool fine = true;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      Decoder::At at(d, i);
      typename C::Value one{};
      fine = C::read(d, node.items[i], one) && fine;
      out.push_back(std::move(one));  // also a wrong one, so that indices stay true
    }
    return fine;
  }
  static Schema schema() {
    Schema list = {{"type", "array"}, {"items", C::schema()}};
    if (!OrOne) return list;
    return {{"oneOf", Schema::array({C::schema(), list})}};
  }
};

// An object whose keys are free and whose values are strings.
struct Texts {
  using Value = std::map<std::string, std::string>;
  static bool read(Decoder& d, const Node& node, Value& out);
  static Schema schema() {
    return {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}};
  }
};

// A value inside an optional: present once it is given.
template <class C>
struct Optional {
  using Value = std::optional<typename C::Value>;
  static bool read(Decoder& d, const Node& node, Value& out) {
    return C::read(d, node, out.emplace());
  }
  static Schema schema() { return C::schema(); }
};

// An object read by the table that `Fields` returns.
template <class T, const std::vector<Field<T>>& (*Fields)()>
struct ObjectOf {
  using Value = T;
  static bool read(Decoder& d, const Node& node, T& out) {
    return read_object<T>(d, node, Fields(), out);
  }
  static Schema schema() { return object_schema<T>(Fields()); }
};

// A field for a member of the model.
template <auto Member, class C>
struct MemberOf;
template <class T, class V, V T::* Member, class C>
struct MemberOf<Member, C> {
  static Field<T> field(std::string_view key, std::string_view doc) {
    return {key, doc,
            [](Decoder& d, const Node& node, T& out) { (void)C::read(d, node, out.*Member); },
            [] { return C::schema(); }};
  }
};
template <auto Member, class C>
auto field(std::string_view key, std::string_view doc) {
  return MemberOf<Member, C>::field(key, doc);
}

}  // namespace gatehouse::config::codec
