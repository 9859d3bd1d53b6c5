#include "tls/ocsp_response.h"

#include <openssl/bytestring.h>

#include <algorithm>
#include <array>

#include "tls/asn1_time.h"
#include "tls/certificate.h"
#include "tls/ocsp_signature.h"

namespace gatehouse::tls {

namespace {

// id-pkix-ocsp-basic, RFC 6960 4.2.1.
constexpr std::uint8_t kBasicResponse[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};

constexpr unsigned explicit_tag(unsigned number) {
  return CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | number;
}

std::unexpected<base::Error> no_response(const char* part) {
  return base::fail(base::Code::kMalformed, base::Side::kCa,
                    std::string("not an OCSP response: bad ") + part);
}

std::unexpected<base::Error> unfit(std::string why) {
  return base::fail(base::Code::kDenied, base::Side::kCa, std::move(why));
}

std::string_view content_of(const CBS& bytes) {
  return {reinterpret_cast<const char*>(CBS_data(&bytes)), CBS_len(&bytes)};
}

// What a responder says instead of an answer (OCSPResponseStatus).
std::unexpected<base::Error> refused_with(std::uint8_t status) {
  const bool passes = status == 2 || status == 3;
  constexpr std::array<const char*, 7> kNames{
      "successful", "malformedRequest", "internalError", "tryLater",
      "4",          "sigRequired",      "unauthorized"};
  const std::string name = status < kNames.size() ? kNames[status] : std::to_string(status);
  return base::fail(passes ? base::Code::kOverload : base::Code::kDenied, base::Side::kCa,
                    "the responder answers " + name);
}

// The contents of the BasicOCSPResponse in an OCSPResponse.
base::Result<CBS> basic_response(std::string_view response) {
  CBS input, whole, status, bytes, typed, type, octets, basic;
  CBS_init(&input, reinterpret_cast<const std::uint8_t*>(response.data()), response.size());
  std::uint8_t number = 0;
  if (!CBS_get_asn1(&input, &whole, CBS_ASN1_SEQUENCE) || CBS_len(&input) != 0 ||
      !CBS_get_asn1(&whole, &status, CBS_ASN1_ENUMERATED) || !CBS_get_u8(&status, &number) ||
      CBS_len(&status) != 0) {
    return no_response("status");
  }
  if (number != 0) return refused_with(number);
  if (!CBS_get_asn1(&whole, &bytes, explicit_tag(0)) || CBS_len(&whole) != 0 ||
      !CBS_get_asn1(&bytes, &typed, CBS_ASN1_SEQUENCE) || CBS_len(&bytes) != 0 ||
      !CBS_get_asn1(&typed, &type, CBS_ASN1_OBJECT) ||
      !CBS_get_asn1(&typed, &octets, CBS_ASN1_OCTETSTRING) || CBS_len(&typed) != 0) {
    return no_response("bytes");
  }
  if (!CBS_mem_equal(&type, kBasicResponse, sizeof kBasicResponse))
    return no_response("type: basic is the only one known");
  if (!CBS_get_asn1(&octets, &basic, CBS_ASN1_SEQUENCE) || CBS_len(&octets) != 0) {
    return no_response("basic response");
  }
  return basic;
}

// Extensions (RFC 5280 4.2) that say nothing that must be understood.
bool may_be_passed_over(CBS extensions) {
  CBS list, extension, type, value;
  if (!CBS_get_asn1(&extensions, &list, CBS_ASN1_SEQUENCE) || CBS_len(&extensions) != 0) {
    return false;
  }
  while (CBS_len(&list) > 0) {
    CBS critical;
    int present = 0;
    if (!CBS_get_asn1(&list, &extension, CBS_ASN1_SEQUENCE) ||
        !CBS_get_asn1(&extension, &type, CBS_ASN1_OBJECT) ||
        !CBS_get_optional_asn1(&extension, &critical, &present, CBS_ASN1_BOOLEAN) ||
        !CBS_get_asn1(&extension, &value, CBS_ASN1_OCTETSTRING) || CBS_len(&extension) != 0) {
      return false;
    }
    if (present && !(CBS_len(&critical) == 1 && CBS_data(&critical)[0] == 0)) return false;
  }
  return true;
}

bool take_extensions(CBS* from, unsigned number) {
  CBS extensions;
  int present = 0;
  return CBS_get_optional_asn1(from, &extensions, &present, explicit_tag(number)) &&
         (!present || may_be_passed_over(extensions)) && CBS_len(from) == 0;
}

bool take_time(CBS* from, base::WallTime* out) {
  return CBS_peek_asn1_tag(from, CBS_ASN1_GENERALIZEDTIME) && read_time(from, out);
}

// Splits a BasicOCSPResponse into what its signature is about and the list of SingleResponses.
base::Result<OcspSignature> split_basic(CBS basic, CBS* responses) {
  OcspSignature parts;
  CBS data, version, bits, certificates;
  std::uint8_t unused = 0;
  int has_version = 0;
  int has_certificates = 0;
  unsigned responder = 0;
  std::size_t head = 0;
  base::WallTime produced;
  if (!CBS_get_asn1_element(&basic, &parts.signed_data, CBS_ASN1_SEQUENCE) ||
      !CBS_get_asn1(&basic, &parts.algorithm, CBS_ASN1_SEQUENCE) ||
      !CBS_get_asn1(&basic, &bits, CBS_ASN1_BITSTRING) || !CBS_get_u8(&bits, &unused) ||
      unused != 0 ||
      !CBS_get_optional_asn1(&basic, &certificates, &has_certificates, explicit_tag(0)) ||
      CBS_len(&basic) != 0) {
    return no_response("signature");
  }
  parts.value = bits;
  CBS_init(&parts.certificates, nullptr, 0);
  if (has_certificates && (!CBS_get_asn1(&certificates, &parts.certificates, CBS_ASN1_SEQUENCE) ||
                           CBS_len(&certificates) != 0)) {
    return no_response("certificates");
  }
  CBS signed_data = parts.signed_data;
  if (!CBS_get_asn1(&signed_data, &data, CBS_ASN1_SEQUENCE) ||
      !CBS_get_optional_asn1(&data, &version, &has_version, explicit_tag(0)) || has_version ||
      !CBS_get_any_asn1_element(&data, &parts.responder, &responder, &head) ||
      !take_time(&data, &produced) || !CBS_get_asn1(&data, responses, CBS_ASN1_SEQUENCE) ||
      !take_extensions(&data, 1)) {
    return no_response("response data");
  }
  return parts;
}

// Takes a CertID (RFC 6960 4.1.1); whether it is the one that was asked about.
bool take_cert_id(CBS* from, const OcspQuestion& question, bool* same) {
  CBS id, algorithm, type, name_hash, key_hash, serial;
  if (!CBS_get_asn1(from, &id, CBS_ASN1_SEQUENCE) ||
      !CBS_get_asn1(&id, &algorithm, CBS_ASN1_SEQUENCE) ||
      !CBS_get_asn1(&algorithm, &type, CBS_ASN1_OBJECT) ||
      !CBS_get_asn1(&id, &name_hash, CBS_ASN1_OCTETSTRING) ||
      !CBS_get_asn1(&id, &key_hash, CBS_ASN1_OCTETSTRING) ||
      !CBS_get_asn1_element(&id, &serial, CBS_ASN1_INTEGER) || CBS_len(&id) != 0) {
    return false;
  }
  *same = CBS_mem_equal(&type, kSha1Oid, sizeof kSha1Oid) &&
          content_of(name_hash) == question.issuer_name_hash &&
          content_of(key_hash) == question.issuer_key_hash && content_of(serial) == question.serial;
  return true;
}

const char* reason_name(std::uint8_t number) {
  constexpr std::array<const char*, 11> kNames{
      "unspecified",   "keyCompromise",        "cACompromise",    "affiliationChanged",
      "superseded",    "cessationOfOperation", "certificateHold", "7",
      "removeFromCRL", "privilegeWithdrawn",   "aACompromise"};
  return number < kNames.size() ? kNames[number] : "of an unknown number";
}

// CertStatus, RFC 6960 4.2.1.
bool take_status(CBS* from, OcspAnswer* answer) {
  CBS inside, given, reason;
  unsigned tag = 0;
  int has_reason = 0;
  if (!CBS_get_any_asn1(from, &inside, &tag)) return false;
  if (tag == explicit_tag(1)) {
    answer->status = OcspStatus::kRevoked;
    if (!take_time(&inside, &answer->revoked_at) ||
        !CBS_get_optional_asn1(&inside, &given, &has_reason, explicit_tag(0)) ||
        CBS_len(&inside) != 0) {
      return false;
    }
    if (!has_reason) return true;
    std::uint8_t number = 0;
    if (!CBS_get_asn1(&given, &reason, CBS_ASN1_ENUMERATED) || !CBS_get_u8(&reason, &number)) {
      return false;
    }
    answer->reason = reason_name(number);
    return CBS_len(&reason) == 0 && CBS_len(&given) == 0;
  }
  const bool good = tag == (CBS_ASN1_CONTEXT_SPECIFIC | 0);
  answer->status = good ? OcspStatus::kGood : OcspStatus::kUnknown;
  return (good || tag == (CBS_ASN1_CONTEXT_SPECIFIC | 2)) && CBS_len(&inside) == 0;
}

// What the SingleResponses say of the certificate that was asked about.
base::Result<OcspAnswer> answer_in(CBS responses, const OcspQuestion& question) {
  bool found = false;
  OcspAnswer answer;
  while (CBS_len(&responses) > 0) {
    CBS single, next;
    OcspAnswer one;
    bool same = false;
    int has_next = 0;
    if (!CBS_get_asn1(&responses, &single, CBS_ASN1_SEQUENCE) ||
        !take_cert_id(&single, question, &same) || !take_status(&single, &one) ||
        !take_time(&single, &one.this_update) ||
        !CBS_get_optional_asn1(&single, &next, &has_next, explicit_tag(0)) ||
        (has_next && (!take_time(&next, &one.until) || CBS_len(&next) != 0)) ||
        !take_extensions(&single, 1)) {
      return no_response("single response");
    }
    if (!same) continue;
    if (found) return unfit("it speaks of the certificate twice");
    // RFC 5019 2.2.4 demands it: without, nobody knows when the response is out of date.
    if (!has_next) return unfit("it does not say until when it holds (nextUpdate)");
    found = true;
    answer = std::move(one);
  }
  if (!found) return unfit("it is not about the certificate that was asked about");
  return answer;
}

}  // namespace

base::Result<OcspAnswer> check_ocsp_response(std::string_view response,
                                             const OcspQuestion& question, base::WallTime now) {
  if (response.size() > kMostOcspResponse) {
    return base::fail(base::Code::kTooLarge, base::Side::kCa,
                      "an OCSP response of more than 64 KiB");
  }
  const auto basic = basic_response(response);
  if (!basic) return base::fail(base::Error(basic.error()));
  CBS responses;
  const auto signature = split_basic(*basic, &responses);
  if (!signature) return base::fail(base::Error(signature.error()));
  auto answer = answer_in(responses, question);
  if (!answer) return answer;
  if (answer->this_update > now + kClockSkew) {
    return unfit("it holds only from a later moment on; is this machine's clock right?");
  }
  if (answer->until <= now || answer->until <= answer->this_update) return unfit("it has expired");
  const auto signer = check_ocsp_signature(*signature, question.issuer, now);
  if (!signer) return base::fail(base::Error(signer.error()));
  answer->until = std::min(answer->until, *signer);
  return answer;
}

}  // namespace gatehouse::tls
