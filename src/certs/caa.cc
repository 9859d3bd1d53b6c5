#include "certs/caa.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "acme/problem.h"
#include "http/fields.h"

namespace gatehouse::certs {

namespace {

constexpr unsigned kCritical = 128;   // who does not know the tag must not sign
constexpr std::size_t kQuoted = 256;  // bytes of what stands in the records, in words of ours

struct Property {
  unsigned flags = 0;
  std::string_view tag;
  std::string_view value;
};

// Up to the separator, which goes too.
std::string_view take_until(std::string_view& text, char separator) {
  const auto at = text.find(separator);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return part;
}

Property parse(std::string_view record) {
  Property property;
  const std::string_view flags = take_until(record, ' ');
  std::from_chars(flags.data(), flags.data() + flags.size(), property.flags);
  property.tag = take_until(record, ' ');
  property.value = record;
  return property;
}

bool is_known(std::string_view tag) {
  constexpr std::array<std::string_view, 7> kTags{
      "issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone"};
  return std::ranges::any_of(kTags, [tag](auto one) { return http::equal_names(one, tag); });
}

bool holds(const std::vector<std::string>& list, std::string_view wanted) {
  return std::ranges::any_of(list, [&](const auto& one) { return http::equal_names(one, wanted); });
}

// Whether one of the comma-separated methods is answered here.
bool offers(std::string_view methods, const CaaSubject& subject) {
  while (!methods.empty()) {
    if (holds(subject.methods, http::without_blanks(take_until(methods, ',')))) return true;
  }
  return false;
}

// What keeps one property from allowing it; empty: nothing does.
std::string kept_back(std::string_view value, const CaaSubject& subject) {
  const std::string_view issuer = http::without_blanks(take_until(value, ';'));
  if (issuer.empty()) return "nobody may sign";
  if (!holds(subject.identities, issuer)) {
    return "\"" + acme::printable(issuer, kQuoted) + "\" may sign";
  }
  std::optional<std::string_view> account;
  while (!value.empty()) {
    std::string_view parameter = take_until(value, ';');
    const std::string_view tag = http::without_blanks(take_until(parameter, '='));
    const bool names_account = http::equal_names(tag, "accounturi");
    const std::string_view text = http::without_blanks(parameter);
    if (names_account && account) return "two accounts are named at once";
    if (names_account) account = text;
    if (http::equal_names(tag, "validationmethods") && !offers(text, subject)) {
      return "only " + acme::printable(text, kQuoted) + " counts as proof";
    }
  }
  if (account && *account != subject.account) {
    return "only the account " + acme::printable(*account, kQuoted) + " may order";
  }
  return {};
}

}  // namespace

std::string caa_objection(const std::vector<std::string>& records, bool wildcard,
                          const CaaSubject& subject) {
  std::vector<Property> properties;
  for (const std::string& record : records) properties.push_back(parse(record));
  for (const Property& one : properties) {
    if ((one.flags & kCritical) == 0 || is_known(one.tag)) continue;
    return "\"" + acme::printable(one.tag, kQuoted) + "\" is critical, and no CA knows it";
  }
  const bool wild = wildcard && std::ranges::any_of(properties, [](const Property& one) {
                      return http::equal_names(one.tag, "issuewild");
                    });
  std::string why;
  for (const Property& one : properties) {
    if (!http::equal_names(one.tag, wild ? "issuewild" : "issue")) continue;
    const std::string objection = kept_back(one.value, subject);
    if (objection.empty()) return {};
    why += (why.empty() ? "" : ", ") + objection;
  }
  return why;
}

}  // namespace gatehouse::certs
