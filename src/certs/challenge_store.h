// Answers to ACME challenges in flight (RFC 8555 8.3, RFC 8737), looked up by every worker inline.
// Written by control before the CA is told to look: since workers read the same store, an answer
// stands on all of them at once. Empty nearly always: then a look-up is one atomic load.
#pragma once

#include <atomic>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tls/certificate.h"

namespace gatehouse::certs {

// Any thread.
class ChallengeStore {
 public:
  static constexpr std::size_t kInFlight = 4096;  // more are refused: orders are bounded well below

  // HTTP-01: `key_authorization` for `token`. False when full. Counted: a CA may hand one pending
  // authorization to two orders, which each put and remove.
  bool put_http(std::string token, std::string key_authorization);
  void remove_http(std::string_view token);
  // The key authorization; nothing for tokens not in flight.
  std::optional<std::string> find_http(std::string_view token) const;

  // TLS-ALPN-01: the challenge certificate for the server name `name` (lower case; of an
  // address, see acme::challenge_server_name). False when full. Two orders for
  // one name each put and remove their own; the newest answers.
  bool put_tls_alpn(std::string name, tls::CertificateRef certificate);
  void remove_tls_alpn(std::string_view name, const tls::CertificateRef& put);
  tls::CertificateRef find_tls_alpn(std::string_view name) const;

 private:
  struct HttpAnswer {
    std::string key_authorization;
    std::size_t users = 0;
  };

  std::atomic<std::size_t> count_{0};
  mutable std::shared_mutex mutex_;  // guards the maps
  std::unordered_map<std::string, HttpAnswer> http_;
  std::unordered_map<std::string, std::vector<tls::CertificateRef>> tls_alpn_;
};

}  // namespace gatehouse::certs
