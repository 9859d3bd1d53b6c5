#include "certs/signing.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/obj.h>
#include <openssl/pem.h>
#include <openssl/pool.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>

#include "tls/x509.h"

namespace gatehouse::certs {

namespace {

std::unexpected<base::Error> failed(const char* what) {
  return base::fail(base::Code::kInternal, std::string("signing a certificate: ") + what);
}

bool set_serial(X509* certificate) {
  std::array<std::uint8_t, 16> bytes;
  RAND_bytes(bytes.data(), bytes.size());
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7f) | 0x40);  // positive, fixed length
  bssl::UniquePtr<BIGNUM> number(BN_bin2bn(bytes.data(), bytes.size(), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate));
}

bool set_dates(X509* certificate, const CertificateRequest& request) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate),
                       request.not_before.time_since_epoch().count()) &&
         ASN1_TIME_set(X509_getm_notAfter(certificate),
                       request.not_after.time_since_epoch().count());
}

// Key identifier: SHA-1 of the subject public key's bits (RFC 5280 4.2.1.2, method 1).
bssl::UniquePtr<ASN1_OCTET_STRING> key_id(X509* certificate) {
  const ASN1_BIT_STRING* bits = X509_get0_pubkey_bitstr(certificate);
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest;
  SHA1(ASN1_STRING_get0_data(bits), static_cast<std::size_t>(ASN1_STRING_length(bits)),
       digest.data());
  bssl::UniquePtr<ASN1_OCTET_STRING> id(ASN1_OCTET_STRING_new());
  if (id && !ASN1_OCTET_STRING_set(id.get(), digest.data(), digest.size())) id.reset();
  return id;
}

bool add(X509* certificate, int nid, void* value, bool critical) {
  return X509_add1_ext_i2d(certificate, nid, value, critical ? 1 : 0, X509V3_ADD_DEFAULT) == 1;
}

bool add_key_ids(X509* certificate, X509* authority) {
  bssl::UniquePtr<ASN1_OCTET_STRING> own = key_id(certificate);
  if (!own || !add(certificate, NID_subject_key_identifier, own.get(), false)) return false;
  if (authority == nullptr) return true;
  bssl::UniquePtr<AUTHORITY_KEYID> id(AUTHORITY_KEYID_new());
  if (!id) return false;
  id->keyid = key_id(authority).release();
  return id->keyid && add(certificate, NID_authority_key_identifier, id.get(), false);
}

bool add_constraints(X509* certificate, Role role) {
  bssl::UniquePtr<BASIC_CONSTRAINTS> basic(BASIC_CONSTRAINTS_new());
  if (!basic) return false;
  if (role != Role::kLeaf) {
    basic->ca = 1;
    basic->pathlen = ASN1_INTEGER_new();
    if (!basic->pathlen || !ASN1_INTEGER_set(basic->pathlen, role == Role::kRoot ? 1 : 0)) {
      return false;
    }
  }
  return add(certificate, NID_basic_constraints, basic.get(), true);
}

// RFC 5280 4.2.1.3: bit 0 is digitalSignature, 2 keyEncipherment, 5 keyCertSign, 6 cRLSign.
bool add_usage(X509* certificate, Role role, bool ecdsa) {
  bssl::UniquePtr<ASN1_BIT_STRING> usage(ASN1_BIT_STRING_new());
  if (!usage) return false;
  bool fine = true;
  if (role == Role::kLeaf) {
    fine = ASN1_BIT_STRING_set_bit(usage.get(), 0, 1) == 1;
    if (!ecdsa) fine = fine && ASN1_BIT_STRING_set_bit(usage.get(), 2, 1) == 1;
  } else {
    fine = ASN1_BIT_STRING_set_bit(usage.get(), 5, 1) == 1 &&
           ASN1_BIT_STRING_set_bit(usage.get(), 6, 1) == 1;
  }
  if (!fine || !add(certificate, NID_key_usage, usage.get(), true)) return false;
  if (role != Role::kLeaf) return true;
  bssl::UniquePtr<EXTENDED_KEY_USAGE> purposes(EXTENDED_KEY_USAGE_new());
  return purposes && sk_ASN1_OBJECT_push(purposes.get(), OBJ_nid2obj(NID_server_auth)) &&
         add(certificate, NID_ext_key_usage, purposes.get(), false);
}

bool add_names(X509* certificate, const std::vector<std::string>& names) {
  const auto list = tls::subject_alt_names(names);
  // Critical, since the subject is empty (RFC 5280 4.2.1.6).
  return list && add(certificate, NID_subject_alt_name, list.get(), true);
}

bool set_names(X509* certificate, const CertificateRequest& request, X509* authority) {
  if (request.role != Role::kLeaf) {
    X509_NAME* subject = X509_get_subject_name(certificate);
    const auto* text = reinterpret_cast<const std::uint8_t*>(request.common_name.data());
    if (!X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                    const_cast<std::uint8_t*>(text),
                                    static_cast<int>(request.common_name.size()), -1, 0)) {
      return false;
    }
  }
  X509* issuer = authority != nullptr ? authority : certificate;
  return X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1;
}

bssl::UniquePtr<X509> parse(const CRYPTO_BUFFER* der) {
  const std::uint8_t* bytes = CRYPTO_BUFFER_data(der);
  const auto size = static_cast<long>(CRYPTO_BUFFER_len(der));
  return bssl::UniquePtr<X509>(d2i_X509(nullptr, &bytes, size));
}

base::Result<std::string> to_pem(X509* certificate) {
  bssl::UniquePtr<BIO> out(BIO_new(BIO_s_mem()));
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  if (!out || !PEM_write_bio_X509(out.get(), certificate) ||
      !BIO_mem_contents(out.get(), &data, &size)) {
    return failed("writing PEM");
  }
  return std::string(reinterpret_cast<const char*>(data), size);
}

}  // namespace

base::Result<std::string> sign_certificate(const CertificateRequest& request,
                                           const tls::PrivateKey& key,
                                           const tls::Certificate* authority) {
  bssl::UniquePtr<X509> issuer;
  if (authority != nullptr) {
    issuer = parse(authority->chain().front().get());
    if (!issuer) return failed("reading the authority's certificate");
  }
  bssl::UniquePtr<X509> made(X509_new());
  if (!made || !X509_set_version(made.get(), 2) || !set_serial(made.get()) ||
      !set_dates(made.get(), request) || !X509_set_pubkey(made.get(), key.get()) ||
      !set_names(made.get(), request, issuer.get())) {
    return failed("filling it in");
  }
  if (!add_constraints(made.get(), request.role) ||
      !add_usage(made.get(), request.role, key.is_ecdsa()) ||
      !add_key_ids(made.get(), issuer.get())) {
    return failed("its extensions");
  }
  if (request.role == Role::kLeaf && !add_names(made.get(), request.names)) {
    return failed("its names");
  }
  EVP_PKEY* signer = authority != nullptr ? authority->key().get() : key.get();
  if (X509_sign(made.get(), signer, EVP_sha256()) == 0) return failed("the signature");
  return to_pem(made.get());
}

}  // namespace gatehouse::certs
