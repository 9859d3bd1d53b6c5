#include "tls/session_tickets.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <mutex>

namespace gatehouse::tls {

namespace {

int context_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

SessionTickets::~SessionTickets() { OPENSSL_cleanse(keys_.data(), keys_.size() * sizeof(Key)); }

void SessionTickets::rotate() {
  Key fresh;
  RAND_bytes(fresh.name.data(), fresh.name.size());
  RAND_bytes(fresh.cipher.data(), fresh.cipher.size());
  RAND_bytes(fresh.mac.data(), fresh.mac.size());
  std::lock_guard lock(mutex_);
  keys_.reserve(kKept + 1);  // never moved, so never left behind unwiped
  keys_.insert(keys_.begin(), fresh);
  OPENSSL_cleanse(&fresh, sizeof fresh);
  if (keys_.size() > kKept) {
    OPENSSL_cleanse(&keys_.back(), sizeof(Key));
    keys_.pop_back();
  }
}

void SessionTickets::install(SSL_CTX* context) {
  SSL_CTX_set_ex_data(context, context_index(), this);
  SSL_CTX_set_tlsext_ticket_key_cb(context, &SessionTickets::callback);
}

int SessionTickets::callback(SSL* ssl, std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
                             HMAC_CTX* mac, int sealing) {
  auto* self =
      static_cast<SessionTickets*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index()));
  return sealing ? self->seal(name, iv, cipher, mac) : self->open(name, iv, cipher, mac);
}

int SessionTickets::seal(std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
                         HMAC_CTX* mac) {
  std::shared_lock lock(mutex_);
  const auto& key = keys_.front();
  std::memcpy(name, key.name.data(), key.name.size());
  RAND_bytes(iv, EVP_MAX_IV_LENGTH);
  const bool ready =
      EVP_EncryptInit_ex(cipher, EVP_aes_128_cbc(), nullptr, key.cipher.data(), iv) == 1 &&
      HMAC_Init_ex(mac, key.mac.data(), key.mac.size(), EVP_sha256(), nullptr) == 1;
  return ready ? 1 : -1;
}

int SessionTickets::open(const std::uint8_t* name, const std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
                         HMAC_CTX* mac) {
  std::shared_lock lock(mutex_);
  const auto named = [name](const Key& key) {
    return std::memcmp(key.name.data(), name, key.name.size()) == 0;
  };
  const auto found = std::find_if(keys_.begin(), keys_.end(), named);
  if (found == keys_.end()) return 0;
  const bool ready =
      EVP_DecryptInit_ex(cipher, EVP_aes_128_cbc(), nullptr, found->cipher.data(), iv) == 1 &&
      HMAC_Init_ex(mac, found->mac.data(), found->mac.size(), EVP_sha256(), nullptr) == 1;
  if (!ready) return -1;
  return found == keys_.begin() ? 1 : 2;  // 2: give the client a ticket of the newest key
}

}  // namespace gatehouse::tls
