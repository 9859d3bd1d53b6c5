// Making certificates and requests: the answers to TLS-ALPN-01, and CSRs for a CA.
#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bytestring.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/obj.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/stack.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "tls/pem.h"
#include "tls/x509.h"

namespace gatehouse::tls {

namespace {

constexpr const char* kAcmeIdentifier = "1.3.6.1.5.5.7.1.31";  // id-pe-acmeIdentifier, RFC 8737 6.1
constexpr std::size_t kLongestSubject = 253;

bssl::UniquePtr<GENERAL_NAME> general_name(const std::string& name) {
  std::uint8_t address[16];
  int size = 0;
  if (::inet_pton(AF_INET, name.c_str(), address) == 1) size = 4;
  if (::inet_pton(AF_INET6, name.c_str(), address) == 1) size = 16;
  bssl::UniquePtr<GENERAL_NAME> made(GENERAL_NAME_new());
  bssl::UniquePtr<ASN1_STRING> value(
      ASN1_STRING_type_new(size != 0 ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING));
  const auto printable = [](char c) { return c > ' ' && c < 0x7f; };
  if (!made || !value || name.empty() || name.size() > kLongestSubject ||
      !std::all_of(name.begin(), name.end(), printable)) {
    return nullptr;
  }
  const void* data = size != 0 ? static_cast<const void*>(address) : name.data();
  if (!ASN1_STRING_set(value.get(), data, size != 0 ? size : static_cast<int>(name.size()))) {
    return nullptr;
  }
  GENERAL_NAME_set0_value(made.get(), size != 0 ? GEN_IPADD : GEN_DNS, value.release());
  return made;
}

bool add_random_serial(X509* certificate) {
  std::uint8_t bytes[16];
  RAND_bytes(bytes, sizeof bytes);
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7f) | 0x40);  // positive, of fixed length
  bssl::UniquePtr<BIGNUM> number(BN_bin2bn(bytes, sizeof bytes, nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

// Subject and issuer are the same bytes; the name itself may be too long for a common name.
bool add_self_issued_name(X509* certificate) {
  auto* name = X509_get_subject_name(certificate);
  static constexpr std::uint8_t kText[] = "ACME challenge";
  return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
                                    const_cast<std::uint8_t*>(kText), sizeof kText - 1, -1, 0) &&
         X509_set_issuer_name(certificate, name);
}

bool add_acme_identifier(X509* certificate, std::string_view key_authorization) {
  std::uint8_t value[2 + SHA256_DIGEST_LENGTH] = {0x04, SHA256_DIGEST_LENGTH};
  SHA256(reinterpret_cast<const std::uint8_t*>(key_authorization.data()), key_authorization.size(),
         value + 2);
  bssl::UniquePtr<ASN1_OBJECT> type(OBJ_txt2obj(kAcmeIdentifier, 1));
  bssl::UniquePtr<ASN1_OCTET_STRING> contents(ASN1_OCTET_STRING_new());
  if (!type || !contents || !ASN1_OCTET_STRING_set(contents.get(), value, sizeof value)) {
    return false;
  }
  bssl::UniquePtr<X509_EXTENSION> extension(
      X509_EXTENSION_create_by_OBJ(nullptr, type.get(), /*critical=*/1, contents.get()));
  return extension && X509_add_ext(certificate, extension.get(), -1);
}

bool add_alt_name(X509* certificate, const std::string& name) {
  const auto names = subject_alt_names({name});
  return names && X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0,
                                    X509V3_ADD_DEFAULT) == 1;
}

template <class T>
std::string der_of(T* object, int (*encode)(T*, std::uint8_t**)) {
  std::uint8_t* data = nullptr;
  const int size = encode(object, &data);
  if (size <= 0) return {};
  bssl::UniquePtr<std::uint8_t> owned(data);
  return std::string(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
}

}  // namespace

bssl::UniquePtr<GENERAL_NAMES> subject_alt_names(const std::vector<std::string>& names) {
  bssl::UniquePtr<GENERAL_NAMES> list(sk_GENERAL_NAME_new_null());
  for (const auto& name : names) {
    auto one = general_name(name);
    if (!list || !one || !bssl::PushToStack(list.get(), std::move(one))) return nullptr;
  }
  return list;
}

base::Result<CertificateRef> challenge_certificate(std::string_view name,
                                                   std::string_view key_authorization,
                                                   const PrivateKey& key) {
  constexpr long kHour = 3600;
  bssl::UniquePtr<X509> made(X509_new());
  const bool filled = made && X509_set_version(made.get(), 2) && add_random_serial(made.get()) &&
                      X509_gmtime_adj(X509_getm_notBefore(made.get()), -kHour) != nullptr &&
                      X509_gmtime_adj(X509_getm_notAfter(made.get()), 24 * kHour) != nullptr &&
                      add_self_issued_name(made.get()) && X509_set_pubkey(made.get(), key.get());
  if (!filled) return base::fail(base::Code::kInternal, "cannot make a challenge certificate");
  if (!add_alt_name(made.get(), std::string(name))) {
    return base::fail(base::Code::kMalformed,
                      "no certificate can hold the name \"" + std::string(name) + "\"");
  }
  if (!add_acme_identifier(made.get(), key_authorization) ||
      !X509_sign(made.get(), key.get(), EVP_sha256())) {
    return base::fail(base::Code::kInternal, "cannot sign a challenge certificate");
  }
  return Certificate::make(pem_block("CERTIFICATE", der_of(made.get(), &i2d_X509)), key);
}

base::Result<std::string> certificate_request(const PrivateKey& key,
                                              const std::vector<std::string>& names) {
  bssl::UniquePtr<X509_REQ> request(X509_REQ_new());
  const auto alt_names = subject_alt_names(names);
  if (!alt_names) return base::fail(base::Code::kMalformed, "a name that no request can hold");
  bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_i2d(NID_subject_alt_name, 0, alt_names.get()));
  bssl::UniquePtr<STACK_OF(X509_EXTENSION)> extensions(sk_X509_EXTENSION_new_null());
  const bool made = request && extension && extensions &&
                    bssl::PushToStack(extensions.get(), std::move(extension)) &&
                    X509_REQ_set_version(request.get(), 0) &&
                    X509_REQ_add_extensions(request.get(), extensions.get()) &&
                    X509_REQ_set_pubkey(request.get(), key.get()) &&
                    X509_REQ_sign(request.get(), key.get(), EVP_sha256());
  if (!made) return base::fail(base::Code::kInternal, "cannot make a certificate request");
  return der_of(request.get(), &i2d_X509_REQ);
}

}  // namespace gatehouse::tls
