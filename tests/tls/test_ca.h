// A certificate authority for tests, which also signs what no real one would.
#pragma once

#include <openssl/asn1.h>
#include <openssl/mem.h>
#include <openssl/obj.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tls/certificate.h"
#include "tls/key.h"
#include "tls/pem.h"
#include "tls/x509.h"

namespace gatehouse::tls {

struct TestRequest {
  std::vector<std::string> names;
  std::string common_name;
  bool authority = false;
  std::string responder;     // URL of the OCSP responder; empty for none
  bool must_staple = false;  // RFC 7633
  std::string purposes;  // extendedKeyUsage, as OpenSSL's configuration writes it; empty for none
  base::WallTime not_before = base::wall_now() - std::chrono::hours(1);
  base::WallTime not_after = base::wall_now() + std::chrono::hours(24);
};

class TestCa {
 public:
  // A self-signed root.
  explicit TestCa(const std::string& name = "Test Root")
      : key_(PrivateKey::generate(KeyType::kP256).value()) {
    TestRequest request;
    request.common_name = name;
    request.authority = true;
    pem_ = issue(request, key_);
  }
  // An intermediate signed by `above`; or one that only would be.
  TestCa(const TestCa& above, const std::string& name, bool authority = true)
      : key_(PrivateKey::generate(KeyType::kP256).value()) {
    TestRequest request;
    request.common_name = name;
    request.authority = authority;
    pem_ = above.issue(request, key_);
  }

  const std::string& pem() const { return pem_; }
  const PrivateKey& key() const { return key_; }

  // PEM of a certificate for `key`.
  std::string issue(const TestRequest& request, const PrivateKey& key) const {
    bssl::UniquePtr<X509> made(X509_new());
    X509_set_version(made.get(), 2);
    set_serial(made.get());
    check(ASN1_TIME_set(X509_getm_notBefore(made.get()), seconds(request.not_before)));
    check(ASN1_TIME_set(X509_getm_notAfter(made.get()), seconds(request.not_after)));
    if (!request.common_name.empty()) {
      check(X509_NAME_add_entry_by_NID(
          X509_get_subject_name(made.get()), NID_commonName, MBSTRING_UTF8,
          reinterpret_cast<const std::uint8_t*>(request.common_name.data()),
          static_cast<int>(request.common_name.size()), -1, 0));
    }
    set_issuer(made.get());
    check(X509_set_pubkey(made.get(), key.get()));
    add_extension(made.get(), NID_basic_constraints,
                  request.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!request.purposes.empty()) {
      add_extension(made.get(), NID_ext_key_usage, request.purposes.c_str());
    }
    if (!request.responder.empty()) {
      add_extension(made.get(), NID_info_access, ("OCSP;URI:" + request.responder).c_str());
    }
    if (request.must_staple) add_tls_feature(made.get());
    if (!request.names.empty()) {
      const auto names = subject_alt_names(request.names);
      check(names && X509_add1_ext_i2d(made.get(), NID_subject_alt_name, names.get(), 0, 0) == 1);
    }
    check(X509_sign(made.get(), key_.get(), EVP_sha256()));
    return pem_of(made.get());
  }

  // A certificate for `names`, chain included, with a fresh key.
  CertificateRef certificate(const std::vector<std::string>& names,
                             KeyType type = KeyType::kP256) const {
    TestRequest request;
    request.names = names;
    return certificate(request, type);
  }
  CertificateRef certificate(const TestRequest& request, KeyType type = KeyType::kP256) const {
    auto key = PrivateKey::generate(type).value();
    return Certificate::make(issue(request, key) + pem_, key).value();
  }

 private:
  static void check(bool done) {
    if (!done) throw std::runtime_error("the test's authority cannot sign");
  }
  static std::time_t seconds(base::WallTime at) { return at.time_since_epoch().count(); }

  static void set_serial(X509* certificate) {
    std::uint8_t bytes[16];
    RAND_bytes(bytes, sizeof bytes);
    bytes[0] = 0x41;
    bssl::UniquePtr<BIGNUM> number(BN_bin2bn(bytes, sizeof bytes, nullptr));
    BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate));
  }

  // While the root itself is made there is no certificate to take the name from.
  void set_issuer(X509* certificate) const {
    if (pem_.empty()) {
      X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
      return;
    }
    const auto der = pem_blocks(pem_, "CERTIFICATE", 1)->front();
    const auto* data = reinterpret_cast<const std::uint8_t*>(der.data());
    bssl::UniquePtr<X509> own(d2i_X509(nullptr, &data, static_cast<long>(der.size())));
    X509_set_issuer_name(certificate, X509_get_subject_name(own.get()));
  }

  static void add_extension(X509* certificate, int type, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    bssl::UniquePtr<X509_EXTENSION> made(X509V3_EXT_nconf_nid(nullptr, &context, type, value));
    check(made && X509_add_ext(certificate, made.get(), -1));
  }

  static void add_tls_feature(X509* certificate) {
    static constexpr std::uint8_t kStatusRequest[] = {0x30, 0x03, 0x02, 0x01, 0x05};
    bssl::UniquePtr<ASN1_OBJECT> type(OBJ_txt2obj("1.3.6.1.5.5.7.1.24", 1));
    bssl::UniquePtr<ASN1_OCTET_STRING> value(ASN1_OCTET_STRING_new());
    check(ASN1_OCTET_STRING_set(value.get(), kStatusRequest, sizeof kStatusRequest));
    bssl::UniquePtr<X509_EXTENSION> made(
        X509_EXTENSION_create_by_OBJ(nullptr, type.get(), 0, value.get()));
    check(made && X509_add_ext(certificate, made.get(), -1));
  }

  static std::string pem_of(X509* certificate) {
    std::uint8_t* data = nullptr;
    const int size = i2d_X509(certificate, &data);
    check(size > 0);
    bssl::UniquePtr<std::uint8_t> owned(data);
    return pem_block("CERTIFICATE",
                     {reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)});
  }

  PrivateKey key_;
  std::string pem_;
};

}  // namespace gatehouse::tls
