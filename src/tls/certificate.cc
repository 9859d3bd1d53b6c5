#include "tls/certificate.h"

#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>

#include "tls/pem.h"
#include "tls/x509.h"

namespace gatehouse::tls {

namespace {

// Blocks that many certificates share (intermediates) are kept in memory once.
CRYPTO_BUFFER_POOL* shared_blocks() {
  static CRYPTO_BUFFER_POOL* const pool = CRYPTO_BUFFER_POOL_new();
  return pool;
}

std::string time_text(base::WallTime at) {
  const std::time_t seconds = at.time_since_epoch().count();
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc));
}

bssl::UniquePtr<X509> parsed(const CRYPTO_BUFFER* block) {
  const auto* data = CRYPTO_BUFFER_data(block);
  return bssl::UniquePtr<X509>(
      d2i_X509(nullptr, &data, static_cast<long>(CRYPTO_BUFFER_len(block))));
}

// Whether each block is issued and signed by the one after it.
base::Result<> check_chain(const std::vector<bssl::UniquePtr<CRYPTO_BUFFER>>& chain) {
  bssl::UniquePtr<X509> below;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    auto one = parsed(chain[i].get());
    const std::string which = "certificate " + std::to_string(i + 1) + " of the chain";
    if (!one) return base::fail(base::Code::kDenied, which + " cannot be read");
    if (below) {
      const bool named = X509_check_issued(one.get(), below.get()) == X509_V_OK;
      bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(one.get()));
      const bool is_signed = key && X509_verify(below.get(), key.get()) == 1;
      ERR_clear_error();
      if (!named || !is_signed) {
        return base::fail(base::Code::kDenied, which + " did not sign the one before it");
      }
    }
    below = std::move(one);
  }
  return {};
}

// For keys that are written in another way than ours (a compressed point).
bool same_key(std::string_view public_der, const PrivateKey& key) {
  CBS der;
  CBS_init(&der, reinterpret_cast<const std::uint8_t*>(public_der.data()), public_der.size());
  bssl::UniquePtr<EVP_PKEY> other(EVP_parse_public_key(&der));
  const bool same = other && CBS_len(&der) == 0 && EVP_PKEY_cmp(other.get(), key.get()) == 1;
  ERR_clear_error();
  return same;
}

}  // namespace

base::Result<std::shared_ptr<const Certificate>> Certificate::make(std::string_view chain_pem,
                                                                   PrivateKey key) {
  if (!key) return base::fail(base::Code::kMalformed, "a certificate without its private key");
  auto blocks = pem_blocks(chain_pem, "CERTIFICATE", kMostChain);
  if (!blocks) return base::fail(std::move(blocks.error()));
  auto made = std::make_shared<Certificate>();
  auto facts = read_facts(blocks->front());
  if (!facts) return base::fail(std::move(facts.error()));
  auto leaf_key = public_key_of(blocks->front());
  if (!leaf_key) return base::fail(std::move(leaf_key.error()));
  if (*leaf_key != key.public_der() && !same_key(*leaf_key, key)) {
    return base::fail(base::Code::kDenied, "the private key does not belong to the certificate");
  }
  for (std::size_t i = 1; i < blocks->size(); ++i) {
    if (public_key_of((*blocks)[i])) continue;
    return base::fail(base::Code::kMalformed,
                      "block " + std::to_string(i + 1) + " of the chain is no certificate");
  }
  for (const auto& der : *blocks) {
    made->chain_.emplace_back(CRYPTO_BUFFER_new(reinterpret_cast<const std::uint8_t*>(der.data()),
                                                der.size(), shared_blocks()));
  }
  made->leaf_ = std::move(*facts);
  if (!made->leaf_.responder.empty()) made->staple_ = std::make_unique<Staple>();
  made->key_kind_ = key.kind();
  made->key_ = std::move(key);
  return made;
}

std::string Certificate::chain_pem() const {
  std::string text;
  for (const auto& block : chain_) {
    text +=
        pem_block("CERTIFICATE", {reinterpret_cast<const char*>(CRYPTO_BUFFER_data(block.get())),
                                  CRYPTO_BUFFER_len(block.get())});
  }
  return text;
}

std::vector<CRYPTO_BUFFER*> Certificate::blocks() const {
  std::vector<CRYPTO_BUFFER*> blocks;
  blocks.reserve(chain_.size());
  for (const auto& block : chain_) blocks.push_back(block.get());
  return blocks;
}

bool Certificate::install(SSL_CTX* context) const {
  const auto all = blocks();
  return SSL_CTX_set_chain_and_key(context, all.data(), all.size(), key_.get(), nullptr) == 1;
}

bool Certificate::install(SSL* ssl) const {
  const auto all = blocks();
  return SSL_set_chain_and_key(ssl, all.data(), all.size(), key_.get(), nullptr) == 1;
}

bool Certificate::covers(std::string_view name) const {
  const auto dot = name.find('.');
  const auto matches = [&](const std::string& own) {
    if (own == name) return true;
    return own.starts_with("*.") && dot != std::string_view::npos && dot > 0 &&
           std::string_view(own).substr(1) == name.substr(dot);
  };
  return std::any_of(leaf_.names.begin(), leaf_.names.end(), matches);
}

base::Result<> check_issued(const Certificate& certificate, const std::vector<std::string>& names,
                            base::WallTime now) {
  const auto& leaf = certificate.leaf();
  for (const auto& name : names) {
    // A wildcard must stand there as such: "*.a.example" is not covered by "*.example".
    const bool covered = name.starts_with("*.") ? std::find(leaf.names.begin(), leaf.names.end(),
                                                            name) != leaf.names.end()
                                                : certificate.covers(name);
    if (!covered) {
      return base::fail(base::Code::kDenied, "the certificate does not cover " + name);
    }
  }
  if (leaf.not_before > now + kClockSkew) {
    return base::fail(base::Code::kDenied, "the certificate is not valid before " +
                                               time_text(leaf.not_before) +
                                               "; is this machine's clock right?");
  }
  if (leaf.not_after <= now) {
    return base::fail(base::Code::kDenied,
                      "the certificate has expired at " + time_text(leaf.not_after));
  }
  return check_chain(certificate.chain());
}

}  // namespace gatehouse::tls
