#include "certs/caa.h"

#include <algorithm>
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
  std::string tag;  // in lower case
  std::string_view value;
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

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
  property.tag = lower(take_until(record, ' '));
  property.value = record;
  return property;
}

bool is_known(std::string_view tag) {
  return tag == "issue" || tag == "issuewild" || tag == "iodef" || tag == "issuemail" ||
         tag == "issuevmc" || tag == "contactemail" || tag == "contactphone";
}

bool holds(const std::vector<std::string>& list, std::string_view wanted) {
  return std::ranges::any_of(list, [&](const auto& one) { return lower(one) == wanted; });
}

// Whether one of the comma-separated methods is answered here.
bool offers(std::string_view methods, const CaaSubject& subject) {
  while (!methods.empty()) {
    if (holds(subject.methods, lower(http::without_blanks(take_until(methods, ','))))) return true;
  }
  return false;
}

// What keeps one property from allowing it; empty: nothing does.
std::string kept_back(std::string_view value, const CaaSubject& subject) {
  const std::string issuer = lower(http::without_blanks(take_until(value, ';')));
  if (issuer.empty()) return "nobody may sign";
  if (!holds(subject.identities, issuer)) {
    return "\"" + acme::printable(issuer, kQuoted) + "\" may sign";
  }
  std::optional<std::string_view> account;
  while (!value.empty()) {
    std::string_view parameter = take_until(value, ';');
    const std::string tag = lower(http::without_blanks(take_until(parameter, '=')));
    const std::string_view text = http::without_blanks(parameter);
    if (tag == "accounturi" && account) return "two accounts are named at once";
    if (tag == "accounturi") account = text;
    if (tag == "validationmethods" && !offers(text, subject)) {
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
                      return one.tag == "issuewild";
                    });
  std::string why;
  for (const Property& one : properties) {
    if (one.tag != (wild ? "issuewild" : "issue")) continue;
    const std::string objection = kept_back(one.value, subject);
    if (objection.empty()) return {};
    why += (why.empty() ? "" : ", ") + objection;
  }
  return why;
}

}  // namespace gatehouse::certs
