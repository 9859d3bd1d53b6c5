#include "acme/link.h"

#include <algorithm>

namespace gatehouse::acme {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool has_word(std::string_view words, std::string_view wanted) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (same_word(words.substr(0, end), wanted)) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

void skip(std::string_view& text, std::string_view characters) {
  text.remove_prefix(std::min(text.find_first_not_of(characters), text.size()));
}

std::string_view take_until(std::string_view& text, std::string_view characters) {
  const std::string_view taken = text.substr(0, text.find_first_of(characters));
  text.remove_prefix(taken.size());
  return taken;
}

// A parameter's value: a token, or what stands between quotes.
std::string_view take_value(std::string_view& text) {
  skip(text, " \t");
  if (!text.starts_with('"')) return take_until(text, ",; \t");
  text.remove_prefix(1);
  const std::string_view quoted = take_until(text, "\"");
  if (!text.empty()) text.remove_prefix(1);
  return quoted;
}

// The parameters of one link; whether its first `rel` holds the relation.
bool take_parameters(std::string_view& text, std::string_view relation) {
  bool found = false;
  bool seen = false;
  while (true) {
    skip(text, " \t");
    if (!text.starts_with(';')) return found;
    text.remove_prefix(1);
    skip(text, " \t");
    const std::string_view name = take_until(text, "=,; \t");
    skip(text, " \t");
    std::string_view value;
    if (text.starts_with('=')) {
      text.remove_prefix(1);
      value = take_value(text);
    }
    if (!same_word(name, "rel") || seen) continue;
    seen = true;
    found = has_word(value, relation);
  }
}

}  // namespace

std::vector<std::string> link_targets(std::string_view value, std::string_view relation) {
  std::vector<std::string> targets;
  while (targets.size() < kLinks) {
    skip(value, " \t,");
    if (!value.starts_with('<')) break;
    value.remove_prefix(1);
    const std::string_view target = take_until(value, ">");
    if (value.empty()) break;
    value.remove_prefix(1);
    if (take_parameters(value, relation)) targets.emplace_back(target);
    take_until(value, ",");
  }
  return targets;
}

}  // namespace gatehouse::acme
