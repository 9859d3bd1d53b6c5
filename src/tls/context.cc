#include "tls/context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tls/suspended.h"
#include "tls/trust_roots.h"

namespace gatehouse::tls {

namespace {

constexpr const char* kSystemRoots = "/etc/ssl/certs/ca-certificates.crt";
// Forward secrecy and AEAD only; TLS 1.3's own suites are not configurable and all fit.
constexpr const char* kTls12Ciphers =
    "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305|"
    "ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
#ifdef SSL_GROUP_X25519_MLKEM768
constexpr const char* kGroups = "X25519MLKEM768:X25519:P-256:P-384";
#else
constexpr const char* kGroups = "X25519:P-256:P-384";
#endif

constexpr std::uint32_t kTicketLifetime = 24 * 3600;  // seconds; keys are kept as long as that

std::vector<std::uint8_t> alpn_list(const std::vector<std::string>& protocols) {
  std::vector<std::uint8_t> list;
  for (const auto& protocol : protocols) {
    list.push_back(static_cast<std::uint8_t>(protocol.size()));
    list.insert(list.end(), protocol.begin(), protocol.end());
  }
  return list;
}

bool set_versions_and_ciphers(SSL_CTX* context, bool allow_tls12) {
  return SSL_CTX_set_min_proto_version(context, allow_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION) &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) &&
         SSL_CTX_set_strict_cipher_list(context, kTls12Ciphers) &&
         SSL_CTX_set1_curves_list(context, kGroups);
}

base::Result<> add_roots(SSL_CTX* context, const std::string& file) {
  const auto roots = read_roots(file);
  if (!roots) return base::fail(roots.error().code, roots.error().detail);
  auto* store = SSL_CTX_get_cert_store(context);
  for (const auto& root : *roots) {
    X509_STORE_add_cert(store, root.get());  // one that is there already is no error for us
  }
  ERR_clear_error();
  return {};
}

}  // namespace

ServerContext::~ServerContext() = default;

base::Result<std::unique_ptr<ServerContext>> ServerContext::make(ServerOptions options,
                                                                 SessionTickets& tickets) {
  std::unique_ptr<ServerContext> made(new ServerContext);
  made->options_ = std::move(options);
  made->context_.reset(SSL_CTX_new(TLS_with_buffers_method()));
  auto* context = made->context_.get();
  if (context == nullptr || !set_versions_and_ciphers(context, made->options_.allow_tls12)) {
    return base::fail(base::Code::kInternal, "cannot make a TLS context");
  }
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets only: nothing is stored
  SSL_CTX_set_session_psk_dhe_timeout(context, kTicketLifetime);
  tickets.install(context);
  HelloCallbacks::install(context, &made->options_);
  return made;
}

ClientContext::~ClientContext() = default;

base::Result<std::unique_ptr<ClientContext>> ClientContext::make(ClientOptions options) {
  std::unique_ptr<ClientContext> made(new ClientContext);
  made->context_.reset(SSL_CTX_new(TLS_method()));
  auto* context = made->context_.get();
  if (context == nullptr || !set_versions_and_ciphers(context, true)) {
    return base::fail(base::Code::kInternal, "cannot make a TLS context");
  }
  if (options.system_roots) {
    auto added = add_roots(context, kSystemRoots);
    // A machine without roots may still talk to a CA whose root stands in the configuration.
    if (!added && options.ca_file.empty()) return base::fail(std::move(added.error()));
  }
  if (!options.ca_file.empty()) {
    auto added = add_roots(context, options.ca_file);
    if (!added) return base::fail(std::move(added.error()));
  }
  SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context, options.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  if (options.certificate && !options.certificate->install(context)) {
    return base::fail(base::Code::kMalformed, "the client certificate cannot be used");
  }
  // Whoever names an intermediate as trusted need not have its root too.
  X509_STORE_set_flags(SSL_CTX_get_cert_store(context),
                       X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  const auto protocols = alpn_list(options.alpn);
  if (!protocols.empty()) {
    SSL_CTX_set_alpn_protos(context, protocols.data(), static_cast<unsigned>(protocols.size()));
  }
  return made;
}

}  // namespace gatehouse::tls
