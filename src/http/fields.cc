#include "http/fields.h"

#include <algorithm>
#include <array>

#include "http/ascii.h"

namespace gatehouse::http {

bool equal_names(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::string_view without_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool list_has_token(std::string_view list, std::string_view token) {
  while (true) {
    const auto comma = list.find(',');
    if (equal_names(without_blanks(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

Fields& Fields::operator=(const Fields& other) {
  if (this == &other) return *this;
  clear();
  for (const auto& field : other.list_) add(field.name, field.value);
  return *this;
}

void Fields::add(std::string_view name, std::string_view value) {
  if (spare_.empty()) {
    list_.emplace_back(name, value);
    return;
  }
  auto field = std::move(spare_.back());
  spare_.pop_back();
  field.name.assign(name);
  field.value.assign(value);
  list_.push_back(std::move(field));
}

void Fields::clear() {
  for (auto& field : list_) {
    if (spare_.size() == kSpareFields) break;
    const bool small =
        field.value.capacity() <= kSpareBytes && field.name.capacity() <= kSpareBytes;
    if (small) spare_.push_back(std::move(field));
  }
  list_.clear();
}

void Fields::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void Fields::remove(std::string_view name) {
  std::erase_if(list_, [name](const Field& field) { return equal_names(field.name, name); });
}

const std::string* Fields::find(std::string_view name) const {
  const auto found = std::find_if(list_.begin(), list_.end(), [name](const Field& field) {
    return equal_names(field.name, name);
  });
  return found == list_.end() ? nullptr : &found->value;
}

std::size_t Fields::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(list_.begin(), list_.end(),
                    [name](const Field& field) { return equal_names(field.name, name); }));
}

std::string Fields::joined(std::string_view name) const {
  std::string all;
  bool first = true;
  for (const auto& field : list_) {
    if (!equal_names(field.name, name)) continue;
    if (!first) all += ", ";
    all += field.value;
    first = false;
  }
  return all;
}

bool Fields::has_token(std::string_view name, std::string_view token) const {
  return std::any_of(list_.begin(), list_.end(), [&](const Field& field) {
    return equal_names(field.name, name) && list_has_token(field.value, token);
  });
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
