// Keys of stateless session tickets (RFC 8446 4.6.1, RFC 5077): one set for the process, so that a
// client resumes on whichever worker it meets. Rotated; the last few still open old tickets.
#pragma once

#include <openssl/base.h>

#include <array>
#include <cstdint>
#include <shared_mutex>
#include <vector>

namespace gatehouse::tls {

// Any thread. Keys live in memory only, and are wiped when they go.
class SessionTickets {
 public:
  // Keys that are kept, the newest one included: with a rotation every 12 hours, a ticket is good
  // for a day at least.
  static constexpr std::size_t kKept = 3;

  SessionTickets() { rotate(); }
  ~SessionTickets();
  SessionTickets(const SessionTickets&) = delete;
  SessionTickets& operator=(const SessionTickets&) = delete;

  // A new key seals from now on; the oldest is forgotten.
  void rotate();

  // Makes `context` seal and open tickets with these keys, which must outlive it.
  void install(SSL_CTX* context);

 private:
  struct Key {
    std::array<std::uint8_t, 16> name;
    std::array<std::uint8_t, 16> cipher;
    std::array<std::uint8_t, 32> mac;
  };
  static int callback(SSL* ssl, std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
                      HMAC_CTX* mac, int sealing);
  int seal(std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* mac);
  int open(const std::uint8_t* name, const std::uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* mac);

  std::shared_mutex mutex_;  // guards keys_; held for a few hundred bytes of work
  std::vector<Key> keys_;    // newest first
};

}  // namespace gatehouse::tls
