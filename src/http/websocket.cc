#include "http/websocket.h"

#include <openssl/base64.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <cstdint>
#include <span>

namespace gatehouse::http {

namespace {

std::string base64(std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, 32> text;  // of 20 bytes at most: 28, and a NUL
  const auto size = EVP_EncodeBlock(text.data(), bytes.data(), bytes.size());
  return std::string(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
}

}  // namespace

std::string websocket_key() {
  std::array<std::uint8_t, 16> random;
  RAND_bytes(random.data(), random.size());
  return base64(random);
}

std::string websocket_accept(std::string_view key) {
  std::string proof(key);
  proof += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> hash;
  SHA1(reinterpret_cast<const std::uint8_t*>(proof.data()), proof.size(), hash.data());
  return base64(hash);
}

}  // namespace gatehouse::http
