#include "tls/key.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tls/pem.h"
#include "tls/x509.h"

namespace gatehouse::tls::key_test {
namespace {

using base::Code;

std::string text_of(BIO* bio) {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  BIO_mem_contents(bio, &data, &size);
  return std::string(reinterpret_cast<const char*>(data), size);
}

std::string sec1_pem(const PrivateKey& key) {
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_ECPrivateKey(bio.get(), EVP_PKEY_get0_EC_KEY(key.get()), nullptr, nullptr, 0,
                             nullptr, nullptr);
  return text_of(bio.get());
}

std::string pkcs1_pem(const PrivateKey& key) {
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_RSAPrivateKey(bio.get(), EVP_PKEY_get0_RSA(key.get()), nullptr, nullptr, 0, nullptr,
                              nullptr);
  return text_of(bio.get());
}

TEST(PrivateKey, RoundTripsThroughPem) {
  for (const auto type : {KeyType::kP256, KeyType::kP384, KeyType::kRsa2048, KeyType::kRsa4096}) {
    const auto key = PrivateKey::generate(type).value();
    const auto pem = key.pem();
    EXPECT_TRUE(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    const auto again = PrivateKey::from_pem(pem);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(again->public_der(), key.public_der());
    EXPECT_EQ(again->pem(), pem);
    EXPECT_EQ(again->is_ecdsa(), type == KeyType::kP256 || type == KeyType::kP384);
  }
}

TEST(PrivateKey, HasTheSizeThatWasAskedFor) {
  EXPECT_EQ(EVP_PKEY_bits(PrivateKey::generate(KeyType::kP256)->get()), 256);
  EXPECT_EQ(EVP_PKEY_bits(PrivateKey::generate(KeyType::kP384)->get()), 384);
  EXPECT_EQ(EVP_PKEY_bits(PrivateKey::generate(KeyType::kRsa2048)->get()), 2048);
}

TEST(PrivateKey, IsAnotherOneEachTime) {
  EXPECT_NE(PrivateKey::generate(KeyType::kP256)->public_der(),
            PrivateKey::generate(KeyType::kP256)->public_der());
}

TEST(PrivateKey, ReadsSec1AndPkcs1) {
  const auto ec = PrivateKey::generate(KeyType::kP256).value();
  ASSERT_TRUE(sec1_pem(ec).starts_with("-----BEGIN EC PRIVATE KEY-----"));
  EXPECT_EQ(PrivateKey::from_pem(sec1_pem(ec))->public_der(), ec.public_der());
  // As "openssl ecparam -genkey" writes it.
  const std::string parameters =
      "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
  EXPECT_EQ(PrivateKey::from_pem(parameters + sec1_pem(ec))->public_der(), ec.public_der());
  const auto rsa = PrivateKey::generate(KeyType::kRsa2048).value();
  ASSERT_TRUE(pkcs1_pem(rsa).starts_with("-----BEGIN RSA PRIVATE KEY-----"));
  EXPECT_EQ(PrivateKey::from_pem(pkcs1_pem(rsa))->public_der(), rsa.public_der());
}

TEST(PrivateKey, SaysWhatWasFoundInstead) {
  const auto key = PrivateKey::generate(KeyType::kP256).value();
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  char secret[] = "secret";
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), EVP_aes_128_cbc(), secret, 6, nullptr,
                                nullptr);
  const std::pair<std::string, std::string> cases[] = {
      {text_of(bio.get()), "ENCRYPTED PRIVATE KEY"},
      {pem_block("CERTIFICATE", "abc"), "CERTIFICATE"},
      {"", "no PEM block"},
      {"rubbish", "no PEM block"},
      {pem_block("PRIVATE KEY", "abc"), "PRIVATE KEY"},
      {key.pem().substr(0, key.pem().size() / 2), "PRIVATE KEY"},
  };
  for (const auto& [text, found] : cases) {
    auto read = PrivateKey::from_pem(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Code::kMalformed);
    EXPECT_NE(read.error().detail.find(found), std::string::npos) << read.error().detail;
    EXPECT_EQ(read.error().detail.find("abc"), std::string::npos);
  }
  EXPECT_EQ(PrivateKey::from_pem(std::string(kMostPem + 1, 'x')).error().code, Code::kTooLarge);
}

TEST(PrivateKey, RefusesOtherAlgorithms) {
  std::uint8_t seed[32] = {1};
  bssl::UniquePtr<EVP_PKEY> ed(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed, sizeof seed));
  const PrivateKey key(std::move(ed));
  EXPECT_EQ(PrivateKey::from_pem(key.pem()).error().code, Code::kUnsupported);
}

// --- requests ---

struct Request {
  explicit Request(const std::string& der) {
    const auto* data = reinterpret_cast<const std::uint8_t*>(der.data());
    made.reset(d2i_X509_REQ(nullptr, &data, static_cast<long>(der.size())));
  }
  std::vector<std::string> dns_names() const {
    bssl::UniquePtr<STACK_OF(X509_EXTENSION)> extensions(X509_REQ_get_extensions(made.get()));
    int critical = 0;
    bssl::UniquePtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
        X509V3_get_d2i(extensions.get(), NID_subject_alt_name, &critical, nullptr)));
    std::vector<std::string> texts;
    for (const auto* name : names.get()) {
      if (name->type != GEN_DNS) continue;
      texts.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                         static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    }
    return texts;
  }
  bssl::UniquePtr<X509_REQ> made;
};

TEST(CertificateRequest, CarriesAllNamesAndIsSignedByTheKey) {
  for (const auto type : {KeyType::kP256, KeyType::kP384, KeyType::kRsa2048}) {
    const auto key = PrivateKey::generate(type).value();
    const std::string long_name = std::string(60, 'a') + "." + std::string(60, 'b') + ".example";
    const Request request(
        certificate_request(key, {"a.example", "*.b.example", long_name}).value());
    ASSERT_TRUE(request.made);
    EXPECT_EQ(X509_REQ_verify(request.made.get(), key.get()), 1);
    EXPECT_EQ(request.dns_names(),
              (std::vector<std::string>{"a.example", "*.b.example", long_name}));
    EXPECT_EQ(X509_NAME_entry_count(X509_REQ_get_subject_name(request.made.get())), 0);
  }
}

TEST(CertificateRequest, RefusesNamesThatFitNoCertificate) {
  const auto key = PrivateKey::generate(KeyType::kP256).value();
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("a\0b", 3), std::string(254, 'a')}) {
    EXPECT_EQ(certificate_request(key, {name}).error().code, Code::kMalformed);
  }
}

}  // namespace
}  // namespace gatehouse::tls::key_test
