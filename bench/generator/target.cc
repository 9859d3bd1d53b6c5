#include "connection.h"

namespace gatehouse::bench {
namespace {

constexpr std::size_t kSessions = 4096;

}  // namespace

Target::Target(const Options& options) : options_(options) {
  if (!options.tls) return;
  tls_.reset(SSL_CTX_new(TLS_method()));
  SSL_CTX_set_min_proto_version(tls_.get(), TLS1_3_VERSION);
  SSL_CTX_set1_curves_list(tls_.get(), "X25519");
  SSL_CTX_set_mode(tls_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Whose certificate it is was checked before the run; each signature is checked all the same.
  SSL_CTX_set_verify(tls_.get(), SSL_VERIFY_NONE, nullptr);
  if (options.resume) {
    SSL_CTX_set_session_cache_mode(tls_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(tls_.get(), keep_session);
    SSL_CTX_set_app_data(tls_.get(), this);
  }
}

int Target::keep_session(SSL* ssl, SSL_SESSION* session) {
  auto& sessions = static_cast<Target*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->sessions_;
  if (sessions.size() >= kSessions) return 0;
  sessions.emplace_back(session);
  return 1;  // it is ours now
}

bssl::UniquePtr<SSL_SESSION> Target::take_session() {
  if (sessions_.empty()) return nullptr;
  auto session = std::move(sessions_.back());
  sessions_.pop_back();
  return session;
}

}  // namespace gatehouse::bench
