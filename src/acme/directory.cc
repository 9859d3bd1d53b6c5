#include "acme/directory.h"

#include "acme/document.h"
#include "acme/problem.h"
#include "acme/url.h"

namespace gatehouse::acme {

namespace {

struct Member {
  std::string_view key;
  std::string Directory::* url;
  bool required;
};

constexpr std::size_t kProfileBytes = 128;
constexpr std::size_t kDomainBytes = 253;

constexpr Member kMembers[] = {
    {"newNonce", &Directory::new_nonce, true},    {"newAccount", &Directory::new_account, true},
    {"newOrder", &Directory::new_order, true},    {"revokeCert", &Directory::revoke_cert, false},
    {"keyChange", &Directory::key_change, false}, {"renewalInfo", &Directory::renewal_info, false},
};

}  // namespace

base::Result<Directory> parse_directory(std::string_view url, std::string_view body) {
  const auto object = parse_object(body);
  if (!object) {
    return base::fail(object.error().code, base::Side::kCa,
                      "no ACME directory is at " + std::string(url) + ": " + object.error().detail);
  }
  Directory directory;
  for (const Member& member : kMembers) {
    const std::string reference = text_at(*object, member.key);
    if (reference.empty() && !member.required) continue;
    auto resolved = resolve_url(url, reference);
    if (!resolved && !member.required) continue;
    if (!resolved) {
      return base::fail(resolved.error().code, base::Side::kCa,
                        "the ACME directory " + std::string(url) + " has no usable " +
                            std::string(member.key) + ": " + resolved.error().detail);
    }
    directory.*member.url = std::move(*resolved);
  }
  if (const Json* meta = object_at(*object, "meta")) {
    directory.terms_of_service = printable(text_at(*meta, "termsOfService"), kUrlBytes);
    directory.website = printable(text_at(*meta, "website"), kUrlBytes);
    if (const Json* profiles = object_at(*meta, "profiles")) {
      for (const auto& [name, description] : profiles->items()) {
        if (directory.profiles.size() == Directory::kProfiles) break;
        directory.profiles.push_back(printable(name, kProfileBytes));
      }
    }
    if (const auto found = meta->find("caaIdentities"); found != meta->end() && found->is_array()) {
      for (const Json& identity : *found) {
        if (directory.caa_identities.size() == Directory::kIdentities) break;
        if (!identity.is_string()) continue;
        directory.caa_identities.push_back(printable(identity.get<std::string>(), kDomainBytes));
      }
    }
    directory.external_account_required = true_at(*meta, "externalAccountRequired");
  }
  return directory;
}

}  // namespace gatehouse::acme
