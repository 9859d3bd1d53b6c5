#include "tls/ocsp_request.h"
#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/pool.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tls/ocsp_signature.h"

namespace gatehouse::tls {

namespace {

bssl::UniquePtr<X509> read_block(CRYPTO_BUFFER* block) {
  return bssl::UniquePtr<X509>(X509_parse_from_buffer(block));
}

bool has_signed(X509* issuer, X509* leaf) {
  bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(issuer));
  const bool done =
      key && X509_check_issued(issuer, leaf) == X509_V_OK && X509_verify(leaf, key.get()) == 1;
  ERR_clear_error();
  return done;
}

template <class T>
std::string encoded(T* object, int (*encode)(T*, std::uint8_t**)) {
  std::uint8_t* data = nullptr;
  const int size = encode(object, &data);
  if (size <= 0) return {};
  bssl::UniquePtr<std::uint8_t> owned(data);
  return std::string(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
}

bool add_octets(CBB* to, std::string_view bytes) {
  CBB octets;
  return CBB_add_asn1(to, &octets, CBS_ASN1_OCTETSTRING) &&
         CBB_add_bytes(&octets, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                       bytes.size()) &&
         CBB_flush(to);
}

bool add_cert_id(CBB* to, const OcspQuestion& question) {
  CBB id, algorithm, type, null;
  return CBB_add_asn1(to, &id, CBS_ASN1_SEQUENCE) &&
         CBB_add_asn1(&id, &algorithm, CBS_ASN1_SEQUENCE) &&
         CBB_add_asn1(&algorithm, &type, CBS_ASN1_OBJECT) &&
         CBB_add_bytes(&type, kSha1Oid, sizeof kSha1Oid) &&
         CBB_add_asn1(&algorithm, &null, CBS_ASN1_NULL) && CBB_flush(&id) &&
         add_octets(&id, question.issuer_name_hash) && add_octets(&id, question.issuer_key_hash) &&
         CBB_add_bytes(&id, reinterpret_cast<const std::uint8_t*>(question.serial.data()),
                       question.serial.size()) &&
         CBB_flush(to);
}

}  // namespace

base::Result<OcspQuestion> ocsp_question(std::span<const bssl::UniquePtr<CRYPTO_BUFFER>> chain) {
  if (chain.empty()) return base::fail(base::Code::kNotFound, "an empty chain");
  const auto leaf = read_block(chain.front().get());
  for (std::size_t i = 1; leaf && i < chain.size(); ++i) {
    const auto issuer = read_block(chain[i].get());
    if (!issuer || !has_signed(issuer.get(), leaf.get())) continue;
    OcspQuestion question;
    question.issuer_name_hash =
        sha1(encoded<X509_NAME>(X509_get_issuer_name(leaf.get()), &i2d_X509_NAME));
    question.issuer_key_hash = key_hash(issuer.get());
    question.serial =
        encoded<ASN1_INTEGER>(X509_get_serialNumber(leaf.get()),
                              [](auto* n, auto** to) { return i2d_ASN1_INTEGER(n, to); });
    question.issuer.assign(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(chain[i].get())),
                           CRYPTO_BUFFER_len(chain[i].get()));
    return question;
  }
  ERR_clear_error();
  return base::fail(base::Code::kNotFound,
                    "its chain does not hold the certificate of the CA that signed it: "
                    "put that behind the leaf");
}

std::string ocsp_request(const OcspQuestion& question) {
  bssl::ScopedCBB made;
  CBB whole, request, list, one;
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
  const bool done = CBB_init(made.get(), 128) &&
                    CBB_add_asn1(made.get(), &whole, CBS_ASN1_SEQUENCE) &&
                    CBB_add_asn1(&whole, &request, CBS_ASN1_SEQUENCE) &&
                    CBB_add_asn1(&request, &list, CBS_ASN1_SEQUENCE) &&
                    CBB_add_asn1(&list, &one, CBS_ASN1_SEQUENCE) && add_cert_id(&one, question) &&
                    CBB_finish(made.get(), &data, &size);
  if (!done) return {};
  bssl::UniquePtr<std::uint8_t> owned(data);
  return std::string(reinterpret_cast<const char*>(data), size);
}

std::string ocsp_url(std::string_view responder, std::string_view request) {
  std::string base64(4 * ((request.size() + 2) / 3) + 1, '\0');
  base64.resize(EVP_EncodeBlock(reinterpret_cast<std::uint8_t*>(base64.data()),
                                reinterpret_cast<const std::uint8_t*>(request.data()),
                                request.size()));
  std::string url(responder);
  if (!url.ends_with('/')) url += '/';
  for (const char c : base64) {
    switch (c) {
      case '+': url += "%2B"; break;
      case '/': url += "%2F"; break;
      case '=': url += "%3D"; break;
      default: url += c; break;
    }
  }
  return url;
}

}  // namespace gatehouse::tls
