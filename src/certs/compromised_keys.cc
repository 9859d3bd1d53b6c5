#include "certs/compromised_keys.h"

#include <openssl/sha.h>

#include <array>

#include "certs/document.h"

namespace gatehouse::certs {

namespace {

std::string storage_key(const tls::PrivateKey& key) {
  const std::string der = key.public_der();
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const std::uint8_t*>(der.data()), der.size(), digest.data());
  std::string out = "compromised/";
  for (const std::uint8_t byte : digest) {
    out += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  }
  return out;
}

}  // namespace

base::Task<base::Result<bool>> CompromisedKeys::contains(tls::PrivateKey key) {
  std::string place = storage_key(key);
  const auto record = co_await storage_.load(std::move(place));
  if (record || record.error().code == base::Code::kDamaged) co_return true;
  if (record.error().code == base::Code::kNotFound) co_return false;
  co_return base::fail(record.error());
}

base::Task<base::Result<void>> CompromisedKeys::add(tls::PrivateKey key, std::string name) {
  Json object = new_document();
  object["name"] = std::move(name);
  object["since"] = seconds_of(base::wall_now());
  std::string place = storage_key(key);
  std::string text = text_of(object);
  co_return co_await storage_.store(std::move(place), std::move(text));
}

}  // namespace gatehouse::certs
