// A small CA key for tests: signs what requests ask for.
#pragma once

#include <gtest/gtest.h>
#include <openssl/x509.h>

#include <string>
#include <vector>

#include "certs/signing.h"
#include "tls/certificate.h"

namespace gatehouse::certs {

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Test Root")
      : key_(*tls::PrivateKey::generate(tls::KeyType::kP256)) {
    CertificateRequest request;
    request.role = Role::kRoot;
    request.common_name = name;
    request.not_before = base::wall_now() - std::chrono::hours(1);
    request.not_after = base::wall_now() + std::chrono::years(10);
    pem_ = *sign_certificate(request, key_, nullptr);
    root_ = *tls::Certificate::make(pem_, key_);
  }

  const std::string& pem() const { return pem_; }

  std::chrono::seconds life = std::chrono::hours(12);  // of what is signed
  std::chrono::seconds ahead{0};                       // of our clock

  // A chain for the public part of `key`.
  std::string sign(const tls::PrivateKey& key, std::vector<std::string> names) const {
    CertificateRequest request;
    request.names = std::move(names);
    request.not_before = base::wall_now() + ahead - std::chrono::hours(1);
    request.not_after = base::wall_now() + ahead + life;
    auto leaf = sign_certificate(request, key, root_.get());
    EXPECT_TRUE(leaf) << (leaf ? "" : leaf.error().detail);
    return *leaf + pem_;
  }

  // A chain for the key of a PKCS#10 request.
  std::string sign_request(const std::string& der, std::vector<std::string> names) const {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(der.data());
    const bssl::UniquePtr<X509_REQ> request(
        d2i_X509_REQ(nullptr, &bytes, static_cast<long>(der.size())));
    if (!request) throw std::runtime_error("the request is no PKCS#10");
    bssl::UniquePtr<EVP_PKEY> key(X509_REQ_get_pubkey(request.get()));
    if (!key || X509_REQ_verify(request.get(), key.get()) != 1) {
      throw std::runtime_error("the request is not signed by its key");
    }
    return sign(tls::PrivateKey(std::move(key)), std::move(names));
  }

 private:
  tls::PrivateKey key_;
  std::string pem_;
  tls::CertificateRef root_;
};

}  // namespace gatehouse::certs
