#include "certs/account_record.h"

#include "certs/document.h"

namespace gatehouse::certs {

namespace {

constexpr std::size_t kSegment = 200;  // bytes of the e-mail in a storage key

// One segment of a storage key: what the grammar does not allow is written as _xx.
std::string segment_of(std::string_view email) {
  if (email.empty()) return "default";
  std::string out;
  for (const char c : email) {
    const bool upper = c >= 'A' && c <= 'Z';
    const char lower = upper ? static_cast<char>(c - 'A' + 'a') : c;
    const bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
                       lower == '-' || (lower == '.' && !out.empty());
    if (plain) {
      out.push_back(lower);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'_', "0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
    }
    if (out.size() >= kSegment) break;
  }
  return out;
}

bool flag_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

base::Result<tls::PrivateKey> key_in(const Json& object, const char* name) {
  auto pem = text_in(object, name);
  if (!pem) return base::fail(std::move(pem.error()));
  auto key = tls::PrivateKey::from_pem(*pem);
  if (!key) return damaged("its '" + std::string(name) + "': " + key.error().detail);
  return std::move(*key);
}

}  // namespace

std::string to_text(const AccountRecord& record) {
  Json object = new_document();
  object["key"] = record.account.key.pem();
  object["url"] = record.account.url;
  object["contact"] = record.contact;
  if (record.contact_pending) object["contact_pending"] = true;
  if (record.key_since != base::WallTime()) object["key_since"] = seconds_of(record.key_since);
  if (record.next_key) object["next_key"] = record.next_key->pem();
  if (record.leaving) object["leaving"] = true;
  return text_of(object);
}

base::Result<AccountRecord> parse_account_record(std::string_view text) {
  auto object = parse_document(text);
  if (!object) return base::fail(std::move(object.error()));
  AccountRecord record;
  auto key = key_in(*object, "key");
  auto url = text_in(*object, "url");
  if (!key) return base::fail(std::move(key.error()));
  if (!url) return base::fail(std::move(url.error()));
  record.account.key = std::move(*key);
  record.account.url = std::move(*url);
  if (auto contact = text_in(*object, "contact")) record.contact = std::move(*contact);
  if (auto since = time_in(*object, "key_since")) record.key_since = *since;
  record.contact_pending = flag_in(*object, "contact_pending");
  record.leaving = flag_in(*object, "leaving");
  if (object->contains("next_key")) {
    auto next = key_in(*object, "next_key");
    if (!next) return base::fail(std::move(next.error()));
    record.next_key = std::move(*next);
  }
  return record;
}

std::string accounts_prefix(std::string_view issuer) { return "accounts/" + std::string(issuer); }

std::string account_key(std::string_view issuer, std::string_view email) {
  return accounts_prefix(issuer) + "/" + segment_of(email);
}

}  // namespace gatehouse::certs
