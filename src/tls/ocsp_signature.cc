#include "tls/ocsp_signature.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "tls/x509.h"

namespace gatehouse::tls {

namespace {

constexpr std::size_t kMostCertificates = 8;  // of a response that are looked at

std::unexpected<base::Error> not_signed(const char* why) {
  return base::fail(base::Code::kDenied, base::Side::kCa, why);
}

std::string_view view_of(const CBS& bytes) {
  return {reinterpret_cast<const char*>(CBS_data(&bytes)), CBS_len(&bytes)};
}

// Algorithms whose signatures clients take. SHA-1 is none any more.
struct SignatureAlgorithm {
  std::string_view oid;
  int key;  // EVP_PKEY_*
  const EVP_MD* (*digest)();
};
constexpr std::array<SignatureAlgorithm, 7> kAlgorithms{{
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", EVP_PKEY_RSA, &EVP_sha256},
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", EVP_PKEY_RSA, &EVP_sha384},
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", EVP_PKEY_RSA, &EVP_sha512},
    {"\x2a\x86\x48\xce\x3d\x04\x03\x02", EVP_PKEY_EC, &EVP_sha256},
    {"\x2a\x86\x48\xce\x3d\x04\x03\x03", EVP_PKEY_EC, &EVP_sha384},
    {"\x2a\x86\x48\xce\x3d\x04\x03\x04", EVP_PKEY_EC, &EVP_sha512},
    {"\x2b\x65\x70", EVP_PKEY_ED25519, nullptr},
}};

const SignatureAlgorithm* algorithm_of(CBS identifier) {
  CBS oid;
  if (!CBS_get_asn1(&identifier, &oid, CBS_ASN1_OBJECT)) return nullptr;
  const auto found = std::ranges::find(kAlgorithms, view_of(oid), &SignatureAlgorithm::oid);
  return found == kAlgorithms.end() ? nullptr : &*found;
}

bool is_signed_by(const OcspSignature& signature, X509* signer) {
  const SignatureAlgorithm* algorithm = algorithm_of(signature.algorithm);
  bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(signer));
  bssl::ScopedEVP_MD_CTX context;
  const bool holds =
      algorithm != nullptr && key && EVP_PKEY_id(key.get()) == algorithm->key &&
      EVP_DigestVerifyInit(context.get(), nullptr,
                           algorithm->digest == nullptr ? nullptr : algorithm->digest(), nullptr,
                           key.get()) == 1 &&
      EVP_DigestVerify(context.get(), CBS_data(&signature.value), CBS_len(&signature.value),
                       CBS_data(&signature.signed_data), CBS_len(&signature.signed_data)) == 1;
  ERR_clear_error();
  return holds;
}

bssl::UniquePtr<X509> read_certificate(std::string_view der) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(der.data());
  const auto* const end = data + der.size();
  bssl::UniquePtr<X509> made(d2i_X509(nullptr, &data, static_cast<long>(der.size())));
  ERR_clear_error();
  if (data != end) made.reset();
  return made;
}

// Whether the response says that this is who signed it (ResponderID, RFC 6960 4.2.1).
bool is_named(CBS responder, X509* signer) {
  constexpr auto kByName = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 1;
  constexpr auto kByKey = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 2;
  CBS inside, hash;
  unsigned tag = 0;
  if (!CBS_get_any_asn1(&responder, &inside, &tag)) return false;
  if (tag == kByKey) {
    return CBS_get_asn1(&inside, &hash, CBS_ASN1_OCTETSTRING) && view_of(hash) == key_hash(signer);
  }
  if (tag != kByName) return false;
  const auto* data = CBS_data(&inside);
  const auto* const end = data + CBS_len(&inside);
  bssl::UniquePtr<X509_NAME> name(
      d2i_X509_NAME(nullptr, &data, static_cast<long>(CBS_len(&inside))));
  ERR_clear_error();
  return name && data == end && X509_NAME_cmp(name.get(), X509_get_subject_name(signer)) == 0;
}

// RFC 6960 4.2.2.2: signed by the CA itself, for this purpose; and valid now.
base::Result<base::WallTime> check_delegate(std::string_view der, X509* delegate, X509* issuer,
                                            base::WallTime now) {
  bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(issuer));
  const bool is_signed = key && X509_check_issued(issuer, delegate) == X509_V_OK &&
                         X509_verify(delegate, key.get()) == 1;
  ERR_clear_error();
  if (!is_signed) return not_signed("the responder's certificate is not signed by the CA");
  const auto flags = X509_get_extension_flags(delegate);
  const bool for_ocsp =
      (flags & EXFLAG_XKUSAGE) != 0 && (X509_get_extended_key_usage(delegate) & XKU_OCSP_SIGN) != 0;
  if (!for_ocsp) return not_signed("the responder's certificate is not for signing OCSP responses");
  const bool signs = (X509_get_key_usage(delegate) & KU_DIGITAL_SIGNATURE) != 0;
  if (!signs || (flags & (EXFLAG_INVALID | EXFLAG_CRITICAL)) != 0) {
    return not_signed("the responder's certificate has extensions that do not allow it");
  }
  const auto facts = read_facts(der);
  if (!facts || facts->not_before > now + kClockSkew || facts->not_after <= now) {
    return not_signed("the responder's certificate is not valid now");
  }
  return facts->not_after;
}

}  // namespace

std::string sha1(std::string_view bytes) {
  std::string digest(SHA_DIGEST_LENGTH, '\0');
  SHA1(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
       reinterpret_cast<std::uint8_t*>(digest.data()));
  return digest;
}

std::string key_hash(X509* certificate) {
  const ASN1_BIT_STRING* bits = X509_get0_pubkey_bitstr(certificate);
  return sha1({reinterpret_cast<const char*>(ASN1_STRING_get0_data(bits)),
               static_cast<std::size_t>(ASN1_STRING_length(bits))});
}

base::Result<base::WallTime> check_ocsp_signature(const OcspSignature& signature,
                                                  std::string_view issuer, base::WallTime now) {
  if (algorithm_of(signature.algorithm) == nullptr) {
    return not_signed("it is signed in a way that clients do not take");
  }
  const auto ca = read_certificate(issuer);
  if (!ca) return not_signed("the CA's certificate cannot be read");
  if (is_named(signature.responder, ca.get()) && is_signed_by(signature, ca.get())) {
    return base::WallTime::max();
  }
  base::Result<base::WallTime> last =
      not_signed("it is not signed by the CA, nor by a delegate of it");
  CBS list = signature.certificates;
  CBS one;
  for (std::size_t i = 0; i < kMostCertificates; ++i) {
    if (!CBS_get_asn1_element(&list, &one, CBS_ASN1_SEQUENCE)) break;
    const auto delegate = read_certificate(view_of(one));
    if (!delegate || !is_named(signature.responder, delegate.get())) continue;
    last = check_delegate(view_of(one), delegate.get(), ca.get(), now);
    if (!last) continue;
    if (is_signed_by(signature, delegate.get())) return last;
    last = not_signed("its signature is not that of the responder that it names");
  }
  return last;
}

}  // namespace gatehouse::tls
