#include "config/codec.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <iterator>

#include "base/endpoint.h"

namespace gatehouse::config::codec {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr Unit kTimeUnits[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr Unit kSizeUnits[] = {
    {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}, {"B", 1}};
constexpr std::uint64_t kLongestDuration = 10ull * 365 * 86'400'000;  // ten years
constexpr std::uint64_t kLargestSize = 1ull << 50;
constexpr std::size_t kLargestSecret = 64 * 1024;

// "12KiB" by a table of units; false when it does not fit.
template <std::size_t N>
bool with_unit(std::string_view text, const Unit (&units)[N], std::uint64_t largest,
               std::uint64_t* out) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr == text.data()) return false;
  const std::string_view unit(parsed.ptr,
                              static_cast<std::size_t>(text.data() + text.size() - parsed.ptr));
  for (const auto& one : units) {
    if (one.name != unit) continue;
    if (number > largest / one.factor) return false;
    *out = number * one.factor;
    return true;
  }
  return false;
}

bool read_port(std::string_view text, std::uint16_t* out) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), *out);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && *out != 0;
}

// Splits "host:port", "[v6]:port" or "host"; the port stays as it was when there is none.
bool split_host(std::string_view text, std::string* host, std::uint16_t* port) {
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return false;
    *host = text.substr(1, end - 1);
    if (host->find(':') == std::string::npos || !base::is_ip_literal(*host)) return false;
    rest = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    *host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
    if (rest.find(':', 1) != std::string_view::npos) return false;  // IPv6 needs brackets
  }
  if (rest.empty()) return true;
  return rest.front() == ':' && read_port(rest.substr(1), port);
}

bool is_host(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == ':';
  });
}

bool read_unix_path(Decoder& d, const Node& node, std::string path, std::string& out) {
  out = std::move(path);
  if (base::Endpoint::from_unix(out) && out.starts_with('/')) return true;
  d.wrong(node, "a Unix socket's path is absolute and has 107 bytes at most");
  return false;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos ||
           (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

bool Secret::read(Decoder& d, const Node& node, Value& out) {
  if (node.kind != Node::Kind::kObject) return d.string(node, out);
  const auto* file = node.find("file");
  if (file == nullptr || node.members.size() != 1) {
    return d.expected(node, "a string or {\"file\": PATH}");
  }
  std::string path;
  if (!d.string(*file, path)) return false;
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in || text.size() > kLargestSecret) {
    d.wrong(node, "cannot read the secret in the file " + path);
    return false;
  }
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  out = std::move(text);
  return true;
}

Schema Secret::schema() {
  const Schema in_file = {{"type", "object"},
                          {"properties", {{"file", {{"type", "string"}}}}},
                          {"required", Schema::array({"file"})},
                          {"additionalProperties", false}};
  return {{"oneOf", Schema::array({Text::schema(), in_file})}};
}

bool Flag::read(Decoder& d, const Node& node, Value& out) {
  if (node.kind != Node::Kind::kBool) return d.expected(node, "true or false");
  out = node.boolean;
  return true;
}

bool Duration::read(Decoder& d, const Node& node, Value& out) {
  std::string text;
  std::uint64_t millis = 0;
  const bool off = node.kind == Node::Kind::kNumber && node.whole && node.number == 0;
  if (!off) {
    if (node.kind != Node::Kind::kString) {
      return d.expected(node, "a duration such as \"30s\" (units: ms, s, m, h, d)");
    }
    if (!d.string(node, text)) return false;
    if (!with_unit(text, kTimeUnits, kLongestDuration, &millis)) {
      return d.expected(node, "a duration such as \"30s\" (units: ms, s, m, h, d)");
    }
  }
  out = base::Duration(static_cast<base::Duration::rep>(millis));
  return true;
}

Schema Duration::schema() {
  const Schema text = {{"type", "string"}, {"pattern", "^([0-9]+(ms|s|m|h|d)|.*\\$\\{.*)$"}};
  return {{"oneOf", Schema::array({text, {{"const", 0}}})}};
}

bool Size::read(Decoder& d, const Node& node, Value& out) {
  constexpr std::string_view kWanted =
      "a size such as \"64KiB\" (units: B, KiB, MiB, GiB) or bytes";
  if (node.kind == Node::Kind::kNumber) {
    if (!node.whole || node.number > kLargestSize) return d.expected(node, kWanted);
    out = node.number;
    return true;
  }
  std::string text;
  if (node.kind != Node::Kind::kString) return d.expected(node, kWanted);
  if (!d.string(node, text)) return false;
  if (!with_unit(text, kSizeUnits, kLargestSize, &out)) return d.expected(node, kWanted);
  return true;
}

Schema Size::schema() {
  const Schema text = {{"type", "string"}, {"pattern", "^([0-9]+(B|KiB|MiB|GiB)|.*\\$\\{.*)$"}};
  const Schema bytes = {{"type", "integer"}, {"minimum", 0}};
  return {{"oneOf", Schema::array({text, bytes})}};
}

bool ListenAddress::read(Decoder& d, const Node& node, Value& out) {
  constexpr std::string_view kWanted =
      "an address such as \":443\", \"127.0.0.1:443\", \"[::1]:443\" or \"unix:/path\"";
  std::string text;
  if (node.kind != Node::Kind::kString) return d.expected(node, kWanted);
  if (!d.string(node, text)) return false;
  if (text.starts_with("unix:")) {
    return read_unix_path(d, node, text.substr(5), out.unix_path);
  }
  const bool split = split_host(text, &out.host, &out.port) && out.port != 0;
  if (out.host == "localhost") out.host = "127.0.0.1";
  if (!split || (!out.host.empty() && !base::is_ip_literal(out.host))) {
    return d.expected(node, kWanted);
  }
  return true;
}

Schema ListenAddress::schema() { return Text::schema(); }

bool IpRange::read(Decoder& d, const Node& node, Value& out) {
  std::string text;
  if (!d.string(node, text)) return false;
  auto parsed = base::IpRange::parse(text);
  if (!parsed) {
    d.wrong(node,
            "expected a range such as \"10.0.0.0/8\", or an address: " + parsed.error().detail);
    return false;
  }
  out = *parsed;
  return true;
}

bool OddFieldName::read(Decoder& d, const Node& node, Value& out) {
  if (!d.string(node, out)) return false;
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  if (is_token(out) && out.find_first_of("_.") != std::string::npos) return true;
  return d.expected(node, "a field name with \"_\" or \".\" (others need not be allowed)");
}

bool DnsIp::read(Decoder& d, const Node& node, Value& out) {
  std::string text;
  if (!d.string(node, text)) return false;
  if (split_host(text, &out.host, &out.port) && base::is_ip_literal(out.host)) return true;
  return d.expected(node, "an address such as \"192.0.2.53\" or \"[2001:db8::53]:5353\"");
}

bool DnsHost::read(Decoder& d, const Node& node, Value& out) {
  std::string text;
  if (!d.string(node, text)) return false;
  if (split_host(text, &out.host, &out.port) && is_host(out.host)) return true;
  return d.expected(node, "a server such as \"ns.example.com\" or \"192.0.2.53:5353\"");
}

bool ServerUrl::read(Decoder& d, const Node& node, Value& out) {
  constexpr std::string_view kWanted =
      "an upstream such as \"http://127.0.0.1:3000\" (or https://, h2c://, unix:/path)";
  struct Known {
    std::string_view prefix;
    UpstreamServer::Scheme scheme;
    std::uint16_t port;
  };
  constexpr Known kKnown[] = {{"http://", UpstreamServer::Scheme::kHttp, 80},
                              {"https://", UpstreamServer::Scheme::kHttps, 443},
                              {"h2c://", UpstreamServer::Scheme::kH2c, 80}};
  std::string text;
  if (node.kind != Node::Kind::kString) return d.expected(node, kWanted);
  if (!d.string(node, text)) return false;
  if (text.starts_with("unix:")) {
    return read_unix_path(d, node, text.substr(5), out.unix_path);
  }
  const auto* known = std::ranges::find_if(
      kKnown, [&text](const Known& one) { return text.starts_with(one.prefix); });
  if (known == std::end(kKnown)) return d.expected(node, kWanted);
  std::string_view rest = std::string_view(text).substr(known->prefix.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find('/') != std::string_view::npos) {
    d.wrong(node, "an upstream has no path: the request's own is forwarded");
    return false;
  }
  out.scheme = known->scheme;
  out.port = known->port;
  if (!split_host(rest, &out.host, &out.port) || !is_host(out.host)) {
    return d.expected(node, kWanted);
  }
  return true;
}

Schema ServerUrl::schema() {
  return {{"type", "string"}, {"pattern", "^((https?|h2c)://[^/]+/?|unix:/.+|.*\\$\\{.*)$"}};
}

Schema with_one_of(Schema object, std::initializer_list<const char*> keys) {
  auto choices = Schema::array();
  for (const auto* key : keys) choices.push_back({{"required", Schema::array({key})}});
  object["oneOf"] = std::move(choices);
  return object;
}

bool Texts::read(Decoder& d, const Node& node, Value& out) {
  if (node.kind != Node::Kind::kObject) return d.expected(node, "an object");
  bool fine = true;
  for (const auto& member : node.members) {
    Decoder::At at(d, member.key);
    fine = d.string(member.value, out[member.key]) && fine;
  }
  return fine;
}

}  // namespace gatehouse::config::codec
