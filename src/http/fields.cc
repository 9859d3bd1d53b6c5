#include "http/fields.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "http/ascii.h"
#include "http/eight_bytes.h"
#include "http/serialise.h"

namespace gatehouse::http {

namespace {

// Eight bytes at once: those from 'A' to 'Z' as small letters, the others as they are.
constexpr std::uint64_t lower_eight(std::uint64_t eight) {
  const auto low_bits = eight & ~kHighs;
  const auto from_a = low_bits + kOnes * (0x80 - 'A');
  const auto above_z = low_bits + kOnes * (0x80 - 'Z' - 1);
  return eight | ((~eight & kHighs & (from_a ^ above_z)) >> 2);
}

bool equal_eight(const char* a, const char* b) {
  const auto left = eight_at(a);
  const auto right = eight_at(b);
  return left == right || lower_eight(left) == lower_eight(right);
}

bool is_odd(std::string_view name) {
  bool odd = false;
  for (const char c : name) odd |= c == '_' || c == '.';
  return odd;
}

}  // namespace

bool equal_names(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  if (a.size() < 8) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
  }
  // The last eight may have been looked at before.
  const auto last = a.size() - 8;
  for (std::size_t i = 0; i < last; i += 8) {
    if (!equal_eight(a.data() + i, b.data() + i)) return false;
  }
  return equal_eight(a.data() + last, b.data() + last);
}

bool list_has_token(std::string_view list, std::string_view token) {
  while (true) {
    const auto comma = list.find(',');
    if (equal_names(without_blanks(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

bool breaks_the_line(std::string_view text) {
  if (!may_have_control_byte(text)) return false;
  return std::ranges::any_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void Fields::add_place(FieldName known, std::size_t at, std::string_view name,
                       std::size_t value_size) {
  const bool odd = known == FieldName::kOther && is_odd(name);
  may_be_odd_ |= odd;
  names_.add(known);
  if (places_.capacity() == 0) places_.reserve(2 * kRoom);
  places_.push_back(Place{static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(name.size()),
                          static_cast<std::uint32_t>(value_size), known, odd});
}

void Fields::add_checked(FieldName known, std::string_view name, std::string_view value) {
  const auto at = text_.size();
  const auto size = at + name.size() + kBetween + value.size() + kLineEndBytes;
  if (size > text_.capacity()) text_.reserve(std::max({size, 2 * text_.capacity(), kFirstText}));
  text_.resize_and_overwrite(size, [&](char* text, std::size_t) {
    auto* to = std::copy(name.begin(), name.end(), text + at);
    *to++ = ':';
    *to++ = ' ';
    to = std::copy(value.begin(), value.end(), to);
    *to++ = '\r';
    *to = '\n';
    return size;
  });
  add_place(known, at, name, value.size());
}

void Fields::begin_lines(std::string_view lines, std::size_t count) {
  clear();
  text_.reserve(lines.size() + kRoom * kLine);
  text_ += lines;
  places_.reserve(count + kRoom);
}

void Fields::add_line(FieldName known, std::size_t at, std::string_view name,
                      std::string_view value) {
  const auto between = static_cast<std::size_t>(value.data() - name.data()) - name.size();
  const char* const behind = text_.data() + at + name.size();
  const bool as_written =
      between == kBetween && behind[1] == ' ' && behind[kBetween + value.size()] == '\r';
  if (!as_written) return add_checked(known, name, value);
  add_place(known, at, name, value.size());
}

void Fields::add(std::string_view name, std::string_view value) {
  const auto known = known_field(name);
  if (known == FieldName::kOther && breaks_the_line(name)) return;
  if (!breaks_the_line(value)) add_checked(known, name, value);
}

void Fields::add(FieldName name, std::string_view value) {
  if (!breaks_the_line(value)) add_checked(name, spelling(name), value);
}

void Fields::clear() {
  text_.clear();
  places_.clear();
  names_ = {};
  may_be_odd_ = false;
}

void Fields::release() {
  clear();
  base::release(text_);
  base::RecycledList<Place>().swap(places_);
}

void Fields::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void Fields::set(FieldName name, std::string_view value) {
  remove(name);
  add(name, value);
}

void Fields::remove(std::string_view name) {
  const auto known = known_field(name);
  if (known != FieldName::kOther) return remove(known);
  remove_if([name](const Field& field) { return equal_names(field.name, name); });
}

void Fields::remove(FieldName name) {
  if (!may_have({name})) return;
  std::erase_if(places_, [name](const Place& place) { return place.known == name; });
}

std::optional<std::string_view> Fields::find(std::string_view name) const {
  const auto known = known_field(name);
  if (known != FieldName::kOther) return find(known);
  for (const auto& field : *this) {
    if (equal_names(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::optional<std::string_view> Fields::find(FieldName name) const {
  if (!may_have({name})) return std::nullopt;
  for (const auto& place : places_) {
    if (place.known == name) return field_at(text_.data(), place).value;
  }
  return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      begin(), end(), [name](const Field& field) { return equal_names(field.name, name); }));
}

std::size_t Fields::count(FieldName name) const {
  if (!may_have({name})) return 0;
  return static_cast<std::size_t>(std::count_if(
      places_.begin(), places_.end(), [name](const Place& place) { return place.known == name; }));
}

std::string Fields::joined(std::string_view name) const {
  std::string all;
  bool first = true;
  for (const auto& field : *this) {
    if (!equal_names(field.name, name)) continue;
    if (!first) all += ", ";
    all += field.value;
    first = false;
  }
  return all;
}

std::string Fields::joined(FieldName name) const {
  return has(name) ? joined(spelling(name)) : std::string();
}

bool Fields::has_token(FieldName name, std::string_view token) const {
  return may_have({name}) && std::any_of(places_.begin(), places_.end(), [&](const Place& place) {
           return place.known == name && list_has_token(field_at(text_.data(), place).value, token);
         });
}

void Fields::append_lines(base::Text& out, FieldNames without) const {
  // Neighbours leave together.
  std::size_t begin = 0;
  std::size_t end = 0;
  for (const auto& place : places_) {
    if (without.contains(place.known)) continue;
    if (place.at != end) {
      out.append(text_, begin, end - begin);
      begin = place.at;
    }
    end = place.at + size_of(place);
  }
  out.append(text_, begin, end - begin);
}

bool may_be_trailer(std::string_view name) {
  static constexpr std::array<std::string_view, 16> kRefused = {
      "host",       "authorization", "proxy-authorization", "connection",   "keep-alive",
      "te",         "trailer",       "transfer-encoding",   "upgrade",      "cookie",
      "set-cookie", "expect",        "cache-control",       "max-forwards", "proxy-connection",
      "location"};
  if (name.size() >= 8 && equal_names(name.substr(0, 8), "content-")) return false;
  return std::none_of(kRefused.begin(), kRefused.end(),
                      [name](std::string_view refused) { return equal_names(name, refused); });
}

}  // namespace gatehouse::http
