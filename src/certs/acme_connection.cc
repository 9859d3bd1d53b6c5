#include "certs/acme_connection.h"

#include "acme/url.h"

namespace gatehouse::certs {

namespace {

base::Result<AcmeConnection::Material> make_material(const std::string& ca_file) {
  tls::ClientOptions options;
  options.ca_file = ca_file;
  options.system_roots = ca_file.empty();
  auto trust = tls::ClientContext::make(std::move(options));
  if (!trust) return base::fail(std::move(trust.error()));
  auto key = tls::PrivateKey::generate(tls::KeyType::kP256);
  if (!key) return base::fail(std::move(key.error()));
  AcmeConnection::Material material;
  material.trust = std::move(*trust);
  material.challenge_key = std::move(*key);
  return material;
}

}  // namespace

std::string issuer_id_of(std::string_view directory_url) {
  constexpr std::size_t kLongest = 128;
  const std::size_t scheme = directory_url.find("://");
  if (scheme != std::string_view::npos) directory_url.remove_prefix(scheme + 3);
  std::string id;
  for (const char c : directory_url.substr(0, kLongest)) {
    const bool upper = c >= 'A' && c <= 'Z';
    const char lower = upper ? static_cast<char>(c - 'A' + 'a') : c;
    const bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
                       lower == '.' || lower == '-';
    id.push_back(plain ? lower : '-');
  }
  while (id.ends_with('-')) id.pop_back();
  // No segment may be hidden or go up.
  if (id.empty() || id.starts_with('.')) id.insert(0, "ca");
  return id;
}

AcmeConnection::AcmeConnection(const Parts& parts, const AcmeOptions& options, Material made)
    : trust(std::move(made.trust)),
      challenge_key(std::move(made.challenge_key)),
      http(parts.loop, parts.resolver, *trust, options.user_agent),
      client(parts.loop, http, options.directory),
      account(AcmeAccount::Parts{parts.loop, parts.blocking, parts.storage, client,
                                 issuer_id_of(options.directory),
                                 acme::Registration{options.email, options.external},
                                 options.other_emails, options.account_key_age}) {}

base::Task<base::Result<std::unique_ptr<AcmeConnection>>> AcmeConnection::make(
    Parts parts, AcmeOptions options) {
  if (auto checked = acme::check_url(options.directory); !checked) {
    co_return base::fail(std::move(checked.error()));
  }
  auto read = [ca_file = options.ca_file] { return make_material(ca_file); };
  auto material = co_await parts.blocking.run(std::move(read));
  if (!material) co_return base::fail(std::move(material.error()));
  co_return std::make_unique<AcmeConnection>(parts, options, std::move(*material));
}

}  // namespace gatehouse::certs
