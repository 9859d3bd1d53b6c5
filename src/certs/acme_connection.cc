#include "certs/acme_connection.h"

#include "acme/url.h"
#include "certs/issuer_id.h"

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
