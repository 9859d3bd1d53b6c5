// What OCSP responders answer, real ones and such as no real one would.
#pragma once

#include <openssl/bytestring.h>
#include <openssl/digest.h>
#include <openssl/mem.h>
#include <openssl/x509.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tls/test_ca.h"
#include "tls/ocsp_response.h"
#include "tls/ocsp_signature.h"

namespace gatehouse::tls {

struct OcspSaid {
  OcspStatus status = OcspStatus::kGood;
  std::optional<std::uint8_t> reason;  // when revoked
  base::WallTime this_update = base::wall_now() - std::chrono::hours(1);
  std::optional<base::WallTime> next_update = base::wall_now() + std::chrono::hours(24);
  int times = 1;                          // that it speaks of the certificate
  bool critical = false;                  // with an extension that must be understood
  std::vector<std::string> certificates;  // in PEM, that come along
};

class OcspAnswers {
 public:
  // Signs by `key`, whose certificate is `pem`.
  OcspAnswers(std::string pem, PrivateKey key) : key_(std::move(key)), der_(der_of(pem)) {}
  explicit OcspAnswers(const TestCa& ca) : OcspAnswers(ca.pem(), ca.key()) {}

  // DER of an OCSPResponse about what is asked.
  std::string about(const OcspQuestion& question, const OcspSaid& said = {}) const {
    const std::string data = response_data(question, said);
    return finished([&](CBB* response) {
      CBB status, bytes, typed, octets, basic;
      check(CBB_add_asn1(response, &status, CBS_ASN1_ENUMERATED) && CBB_add_u8(&status, 0));
      check(CBB_add_asn1(response, &bytes, tag(0)) &&
            CBB_add_asn1(&bytes, &typed, CBS_ASN1_SEQUENCE));
      add(&typed, CBS_ASN1_OBJECT, std::string_view("\x2b\x06\x01\x05\x05\x07\x30\x01\x01", 9));
      check(CBB_add_asn1(&typed, &octets, CBS_ASN1_OCTETSTRING) &&
            CBB_add_asn1(&octets, &basic, CBS_ASN1_SEQUENCE));
      add_bytes(&basic, data);
      CBB algorithm;
      check(CBB_add_asn1(&basic, &algorithm, CBS_ASN1_SEQUENCE));
      add(&algorithm, CBS_ASN1_OBJECT, "\x2a\x86\x48\xce\x3d\x04\x03\x02");
      add(&basic, CBS_ASN1_BITSTRING, std::string(1, '\0') + signature_of(data));
      if (!said.certificates.empty()) add_certificates(&basic, said.certificates);
      check(CBB_flush(response));  // while its parts are there
    });
  }
  // What a responder says when it has no answer (OCSPResponseStatus).
  static std::string refusal(std::uint8_t status) {
    return std::string("\x30\x03\x0a\x01", 4) + static_cast<char>(status);
  }

 private:
  static void check(bool done) {
    if (!done) throw std::runtime_error("the test's responder cannot answer");
  }
  static unsigned tag(unsigned number) {
    return CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | number;
  }
  static void add_bytes(CBB* to, std::string_view bytes) {
    check(CBB_add_bytes(to, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
  }
  static void add(CBB* to, unsigned type, std::string_view bytes) {
    CBB inside;
    check(CBB_add_asn1(to, &inside, type));
    add_bytes(&inside, bytes);
    check(CBB_flush(to));
  }
  // A SEQUENCE, filled.
  static std::string finished(const std::function<void(CBB*)>& fill) {
    bssl::ScopedCBB made;
    CBB whole;
    check(CBB_init(made.get(), 256) && CBB_add_asn1(made.get(), &whole, CBS_ASN1_SEQUENCE));
    fill(&whole);
    std::uint8_t* data = nullptr;
    std::size_t size = 0;
    check(CBB_finish(made.get(), &data, &size));
    bssl::UniquePtr<std::uint8_t> owned(data);
    return std::string(reinterpret_cast<const char*>(data), size);
  }
  static std::string der_of(const std::string& pem) {
    return pem_blocks(pem, "CERTIFICATE", 1)->front();
  }
  static std::string time_text(base::WallTime at) {
    const std::time_t seconds = at.time_since_epoch().count();
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    char text[32];
    return std::string(text, std::strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &utc));
  }
  std::string signature_of(const std::string& data) const {
    bssl::ScopedEVP_MD_CTX context;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(data.data());
    std::string signature(256, '\0');
    std::size_t size = signature.size();
    check(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
          EVP_DigestSign(context.get(), reinterpret_cast<std::uint8_t*>(signature.data()), &size,
                         bytes, data.size()) == 1);
    signature.resize(size);
    return signature;
  }
  static void add_certificates(CBB* to, const std::vector<std::string>& pems) {
    CBB wrapped, list;
    check(CBB_add_asn1(to, &wrapped, tag(0)) && CBB_add_asn1(&wrapped, &list, CBS_ASN1_SEQUENCE));
    for (const auto& pem : pems) add_bytes(&list, der_of(pem));
    check(CBB_flush(to));
  }
  std::string response_data(const OcspQuestion& question, const OcspSaid& said) const {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(der_.data());
    bssl::UniquePtr<X509> own(d2i_X509(nullptr, &bytes, static_cast<long>(der_.size())));
    check(own != nullptr);
    return finished([&](CBB* data) {
      CBB by_key, responses;
      check(CBB_add_asn1(data, &by_key, tag(2)));
      add(&by_key, CBS_ASN1_OCTETSTRING, key_hash(own.get()));
      check(CBB_flush(data));
      add(data, CBS_ASN1_GENERALIZEDTIME, time_text(said.this_update));
      check(CBB_add_asn1(data, &responses, CBS_ASN1_SEQUENCE));
      for (int i = 0; i < said.times; ++i) add_single(&responses, question, said);
      check(CBB_flush(data));
    });
  }
  static void add_single(CBB* to, const OcspQuestion& question, const OcspSaid& said) {
    CBB single, id, algorithm, next;
    check(CBB_add_asn1(to, &single, CBS_ASN1_SEQUENCE) &&
          CBB_add_asn1(&single, &id, CBS_ASN1_SEQUENCE) &&
          CBB_add_asn1(&id, &algorithm, CBS_ASN1_SEQUENCE));
    add(&algorithm, CBS_ASN1_OBJECT, "\x2b\x0e\x03\x02\x1a");
    add(&id, CBS_ASN1_OCTETSTRING, question.issuer_name_hash);
    add(&id, CBS_ASN1_OCTETSTRING, question.issuer_key_hash);
    add_bytes(&id, question.serial);
    check(CBB_flush(&single));
    add_status(&single, said);
    add(&single, CBS_ASN1_GENERALIZEDTIME, time_text(said.this_update));
    if (said.next_update) {
      check(CBB_add_asn1(&single, &next, tag(0)));
      add(&next, CBS_ASN1_GENERALIZEDTIME, time_text(*said.next_update));
      check(CBB_flush(&single));
    }
    if (said.critical) {
      CBB wrapped, list, extension;
      check(CBB_add_asn1(&single, &wrapped, tag(1)) &&
            CBB_add_asn1(&wrapped, &list, CBS_ASN1_SEQUENCE) &&
            CBB_add_asn1(&list, &extension, CBS_ASN1_SEQUENCE));
      add(&extension, CBS_ASN1_OBJECT, "\x2a\x03\x04");
      add(&extension, CBS_ASN1_BOOLEAN, "\xff");
      add(&extension, CBS_ASN1_OCTETSTRING, "x");
    }
    check(CBB_flush(to));
  }
  static void add_status(CBB* to, const OcspSaid& said) {
    if (said.status == OcspStatus::kGood) return add(to, CBS_ASN1_CONTEXT_SPECIFIC | 0, "");
    if (said.status == OcspStatus::kUnknown) return add(to, CBS_ASN1_CONTEXT_SPECIFIC | 2, "");
    CBB info, reason;
    check(CBB_add_asn1(to, &info, tag(1)));
    add(&info, CBS_ASN1_GENERALIZEDTIME, time_text(said.this_update));
    if (said.reason) {
      check(CBB_add_asn1(&info, &reason, tag(0)));
      add(&reason, CBS_ASN1_ENUMERATED, std::string(1, static_cast<char>(*said.reason)));
    }
    check(CBB_flush(to));
  }

  PrivateKey key_;
  std::string der_;  // of the signer's certificate
};

}  // namespace gatehouse::tls
