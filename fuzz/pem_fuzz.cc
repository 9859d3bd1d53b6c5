// Whatever stands in a file or an answer where PEM or DER is expected.
#include "tls/pem.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tls/certificate.h"
#include "tls/key.h"
#include "tls/x509.h"

using namespace gatehouse;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void read_der(std::string_view der) {
  const auto facts = tls::read_facts(der);
  const auto key = tls::public_key_of(der);
  check(!facts || key.has_value());
  if (!facts) return;
  for (const auto& name : facts->names) check(!name.empty());
  check(key->size() < der.size());
}

void read_pem(std::string_view text, const tls::PrivateKey& key) {
  const auto blocks = tls::pem_blocks(text, "CERTIFICATE", tls::kMostChain);
  if (blocks) {
    check(!blocks->empty() && blocks->size() <= tls::kMostChain);
    for (const auto& der : *blocks) {
      read_der(der);
      check(tls::pem_blocks(tls::pem_block("X", der), "X", 1)->front() == der);
    }
  }
  const auto certificate = tls::Certificate::make(text, key);
  if (certificate) {
    check((*certificate)->chain_pem().size() > 0);
    (void)(*certificate)->covers("a.example");
    (void)tls::check_issued(**certificate, {"a.example"}, base::wall_now());
  }
  const auto read = tls::PrivateKey::from_pem(text);
  if (read) check(tls::PrivateKey::from_pem(read->pem())->public_der() == read->public_der());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto key = tls::PrivateKey::generate(tls::KeyType::kP256).value();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_pem(bytes, key);
  read_der(bytes);
  // The bytes as a certificate's contents, so that base64 need not be guessed.
  if (!bytes.empty()) read_pem(tls::pem_block("CERTIFICATE", bytes), key);
  if (!bytes.empty()) read_pem(tls::pem_block("PRIVATE KEY", bytes), key);
  return 0;
}
