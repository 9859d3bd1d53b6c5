#include "http/target.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/endpoint.h"
#include "http/ascii.h"
#include "http/fields.h"

namespace gatehouse::http {

namespace {

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

using Table = std::array<bool, 256>;

// Whether `table` has all bytes of `text`. Branchless, since nearly always all are looked at.
bool all_in(const Table& table, std::string_view text) {
  bool all = true;
  for (const char c : text) all &= table[static_cast<unsigned char>(c)];
  return all;
}

// Visible ASCII without what RFC 3986 keeps out of URIs and somebody reads as a delimiter. Braces,
// bars, carets and backticks are not in its grammar either, but browsers send them.
constexpr bool may_stand_in_target(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f && c != '#' && c != '"' && c != '<' && c != '>';
}

constexpr auto kTargetBytes = [] {
  Table table{};
  for (unsigned c = 0; c < table.size(); ++c) table[c] = may_stand_in_target(static_cast<char>(c));
  return table;
}();

bool is_unreserved(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

// 1 to 65535, or 0 when `text` is no port.
std::uint32_t port_number(std::string_view text) {
  if (text.empty() || text.size() > 5) return 0;
  std::uint32_t port = 0;
  for (const char c : text) {
    if (!is_digit(c)) return 0;
    port = port * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return port <= 65535 ? port : 0;
}

// Each byte that a name may hold, in lower case; 0 for all others.
constexpr auto kNameBytes = [] {
  std::array<char, 256> table{};
  for (unsigned c = 0; c < table.size(); ++c) {
    const char byte = static_cast<char>(c);
    const bool fits =
        is_letter(byte) || is_digit(byte) || byte == '-' || byte == '_' || byte == '.';
    table[c] = fits ? lower(byte) : '\0';
  }
  return table;
}();

bool append_name(std::string_view name, base::Text& out) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  if (name.empty() || name.back() == '.' || name.size() > kHostBytes) return false;
  bool fits = true;
  const auto begin = out.size();
  const auto size = begin + name.size();
  // What it is called with may be more: libstdc++ 12 hands on what it rounded up to.
  out.resize_and_overwrite(size, [&](char* text, std::size_t) {
    bool good = true;  // what is written to `text` may be anything else
    char before = '.';
    for (auto* to = text + begin; const char c : name) {
      const char byte = kNameBytes[static_cast<unsigned char>(c)];
      good &= (byte != '\0') & ((byte != '.') | (before != '.'));
      *to++ = before = byte;
    }
    fits = good;
    return size;
  });
  return fits;
}

bool append_ip6(std::string_view bracketed, base::Text& out) {
  if (bracketed.find(':') == std::string_view::npos || !base::is_ip_literal(bracketed))
    return false;
  for (const char c : bracketed) out += lower(c);
  return true;
}

bool is_dots(std::string_view text) { return text == "." || text == ".."; }

// Length of a slash or backslash at the front of `text`, encoded or not; 0 if there is none. Text
// with escapes in upper case.
std::size_t slash_length(std::string_view text) {
  if (text.front() == '\\' || text.front() == '/') return 1;
  return text.starts_with("%2F") || text.starts_with("%5C") ? 3 : 0;
}

// Whether a server that decodes slashes or cuts parameters off would see "." or ".." in `segment`.
bool hides_dots(std::string_view segment) {
  std::size_t start = 0;
  bool in_parameter = false;
  std::size_t end = 0;  // of the part before a parameter
  for (std::size_t i = 0; i <= segment.size();) {
    const bool last = i == segment.size();
    const auto slash = last ? 1 : slash_length(segment.substr(i));
    if (slash != 0) {
      if (is_dots(segment.substr(start, (in_parameter ? end : i) - start))) return true;
      in_parameter = false;
      start = i + slash;
    } else if (!in_parameter && (segment[i] == ';' || segment.substr(i).starts_with("%3B"))) {
      in_parameter = true;
      end = i;
    }
    i += slash == 0 ? 1 : slash;
  }
  return false;
}

// Bytes of which most paths consist, and that mean themselves wherever they stand, but for dots.
constexpr auto kPlainBytes = [] {
  Table table{};
  for (unsigned c = 0; c < table.size(); ++c) {
    const char byte = static_cast<char>(c);
    table[c] = is_letter(byte) || is_digit(byte);
  }
  for (const char c : std::string_view("./-_~!$&'()*+,=:@"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// Whether `path` surely is its own canonical form: nothing in it is encoded, and no segment begins
// with a dot.
bool is_normal(std::string_view path) {
  if (!all_in(kPlainBytes, path)) return false;
  return path.find('.') == std::string_view::npos || path.find("/.") == std::string_view::npos;
}

// Appends one segment of a path, decoded as far as it may be. False on a bad byte or escape.
bool append_segment(std::string_view segment, base::Text& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const char c = segment[i];
    if (c != '%') {
      if (!may_stand_in_target(c) || c == '\\' || c == '?') return false;
      out += c;
      continue;
    }
    if (i + 2 >= segment.size()) return false;
    const int high = hex_value(segment[i + 1]);
    const int low = hex_value(segment[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return false;
    const char decoded = static_cast<char>(high * 16 + low);
    if (is_unreserved(decoded)) {
      out += decoded;
    } else {
      out += '%';
      out += kHex[static_cast<std::size_t>(high)];
      out += kHex[static_cast<std::size_t>(low)];
    }
    i += 2;
  }
  return true;
}

}  // namespace

bool normalise_authority(std::string_view text, base::Text& out) {
  out.clear();
  auto host_end = text.find(':');
  if (!text.empty() && text.front() == '[') {
    host_end = text.find(']');
    if (host_end == std::string_view::npos) return false;
    if (!append_ip6(text.substr(0, ++host_end), out)) return false;
  } else if (!append_name(text.substr(0, host_end), out)) {
    return false;
  }
  if (host_end >= text.size()) return true;
  if (text[host_end] != ':') return false;
  const auto port = text.substr(host_end + 1);
  if (port.empty()) return true;
  const auto number = port_number(port);
  if (number == 0) return false;
  out += ':';
  out += std::to_string(number);
  return true;
}

bool normalise_path(std::string_view path, base::Text& out) {
  out.clear();
  if (path.empty() || path.front() != '/') return false;
  if (is_normal(path)) {
    out += path;
    return true;
  }
  for (std::size_t at = 1;;) {
    const auto end = std::min(path.find('/', at), path.size());
    const bool last = end == path.size();
    out += '/';
    const auto mark = out.size();
    if (!append_segment(path.substr(at, end - at), out)) return false;
    const auto segment = std::string_view(out).substr(mark);
    if (is_dots(segment)) {
      const bool up = segment.size() == 2;
      out.resize(mark - 1);
      if (up && out.empty()) return false;
      if (up) out.resize(out.rfind('/'));
      if (last) out += '/';
    } else if (hides_dots(segment)) {
      return false;
    }
    if (last) return true;
    at = end + 1;
  }
}

bool split_target(std::string_view target, TargetParts& out) {
  out = TargetParts();
  if (target == "*") {
    out.form = TargetParts::Form::kAsterisk;
    return true;
  }
  if (target.empty() || !all_in(kTargetBytes, target)) return false;
  if (target.front() != '/') {
    const auto colon = target.find("://");
    if (colon == std::string_view::npos) return false;
    const auto scheme = target.substr(0, colon);
    if (!equal_names(scheme, "http") && !equal_names(scheme, "https")) return false;
    target.remove_prefix(colon + 3);
    const auto end = std::min(target.find_first_of("/?"), target.size());
    out.form = TargetParts::Form::kAbsolute;
    out.authority = target.substr(0, end);
    target.remove_prefix(end);
  }
  const auto mark = std::min(target.find('?'), target.size());
  out.path = target.substr(0, mark);
  out.query = target.substr(mark);
  return true;
}

}  // namespace gatehouse::http
