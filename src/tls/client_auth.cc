#include "tls/client_auth.h"

#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tls/pem.h"
#include "tls/suspended.h"
#include "tls/trust_roots.h"

namespace gatehouse::tls {

namespace {

bssl::UniquePtr<CRYPTO_BUFFER> subject_of(X509* certificate) {
  std::uint8_t* data = nullptr;
  const int size = i2d_X509_NAME(X509_get_subject_name(certificate), &data);
  if (size <= 0) return nullptr;
  const bssl::UniquePtr<std::uint8_t> owned(data);
  return bssl::UniquePtr<CRYPTO_BUFFER>(
      CRYPTO_BUFFER_new(data, static_cast<std::size_t>(size), nullptr));
}

}  // namespace

ClientAuth::~ClientAuth() = default;

base::Result<std::unique_ptr<const ClientAuth>> ClientAuth::load(const std::string& ca_file,
                                                                 bool required) {
  auto roots = read_roots(ca_file);
  if (!roots) return base::fail(std::move(roots.error()));
  std::unique_ptr<ClientAuth> made(new ClientAuth);
  made->required_ = required;
  made->roots_.reset(X509_STORE_new());
  // Whoever names an intermediate as trusted need not have its root too.
  X509_STORE_set_flags(made->roots_.get(), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  std::size_t bytes = 0;
  for (const auto& root : *roots) {
    X509_STORE_add_cert(made->roots_.get(), root.get());
    auto name = subject_of(root.get());
    if (!name) continue;
    bytes += CRYPTO_BUFFER_len(name.get());
    made->names_.push_back(std::move(name));
  }
  if (bytes > kMostNames) made->names_.clear();
  ERR_clear_error();  // of a root that stands there twice
  return made;
}

bool ClientAuth::install(SSL* ssl) const {
  bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)> names(sk_CRYPTO_BUFFER_new_null());
  if (!names) return false;
  for (const auto& name : names_) {
    if (!bssl::PushToStack(names.get(), bssl::UpRef(name))) return false;
  }
  SSL_set0_client_CAs(ssl, names.release());
  SSL_set_max_cert_list(ssl, kMostBytes);
  SSL_set_options(ssl, SSL_OP_NO_TICKET);
  const int mode = SSL_VERIFY_PEER | (required_ ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
  SSL_set_custom_verify(ssl, mode, &HelloCallbacks::verify_client);
  return true;
}

ClientAuth::Verdict ClientAuth::verify(const SSL* ssl) const {
  const auto* sent = SSL_get0_peer_certificates(ssl);
  const std::size_t count = sent == nullptr ? 0 : sk_CRYPTO_BUFFER_num(sent);
  if (count == 0 || count > kMostChain) return {SSL_AD_BAD_CERTIFICATE, "too many certificates"};
  bssl::UniquePtr<STACK_OF(X509)> chain(sk_X509_new_null());
  bssl::UniquePtr<X509> leaf;
  for (std::size_t i = 0; i < count; ++i) {
    bssl::UniquePtr<X509> one(X509_parse_from_buffer(sk_CRYPTO_BUFFER_value(sent, i)));
    if (!one) return {SSL_AD_BAD_CERTIFICATE, "no certificate of X.509"};
    if (i == 0) {
      leaf = std::move(one);
    } else if (!bssl::PushToStack(chain.get(), std::move(one))) {
      return {SSL_AD_INTERNAL_ERROR, "no memory"};
    }
  }
  bssl::UniquePtr<X509_STORE_CTX> check(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(check.get(), roots_.get(), leaf.get(), chain.get()) != 1 ||
      X509_STORE_CTX_set_default(check.get(), "ssl_client") != 1) {
    return {SSL_AD_INTERNAL_ERROR, "cannot verify"};
  }
  X509_STORE_CTX_set_depth(check.get(), static_cast<int>(kMostChain));
  const bool holds = X509_verify_cert(check.get()) == 1;
  ERR_clear_error();  // a signature that is none would be told instead of the reason below
  if (holds) return {};
  const auto error = X509_STORE_CTX_get_error(check.get());
  return {static_cast<std::uint8_t>(SSL_alert_from_verify_result(error)),
          X509_verify_cert_error_string(error)};
}

}  // namespace gatehouse::tls
