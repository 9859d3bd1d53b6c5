// Reading certificates: a walk over the DER, without building library objects, since thousands are
// read at start.
#include <openssl/bytestring.h>

#include <algorithm>
#include <cstdio>

#include "base/endpoint.h"
#include "tls/asn1_time.h"
#include "tls/x509.h"

namespace gatehouse::tls {

namespace {

constexpr std::uint8_t kSubjectAltName[] = {0x55, 0x1d, 0x11};
constexpr std::uint8_t kAuthorityKeyId[] = {0x55, 0x1d, 0x23};
constexpr std::uint8_t kAuthorityInfoAccess[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01};
constexpr std::uint8_t kOcsp[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01};
constexpr std::uint8_t kTlsFeature[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x18};
constexpr std::uint8_t kCommonName[] = {0x55, 0x04, 0x03};
constexpr std::uint8_t kOrganization[] = {0x55, 0x04, 0x0a};
constexpr std::size_t kMostNames = 1000;
constexpr std::size_t kLongestResponder = 1024;  // bytes of a URL

// The fields of TBSCertificate that we look at, as views into the DER.
struct Parts {
  CBS serial, issuer, validity, public_key, extensions;
  bool has_extensions = false;
};

std::unexpected<base::Error> bad(const char* field) {
  return base::fail(base::Code::kMalformed, std::string("certificate: bad ") + field);
}

base::Result<Parts> split(std::string_view der) {
  CBS input, certificate, tbs, skipped;
  CBS_init(&input, reinterpret_cast<const std::uint8_t*>(der.data()), der.size());
  Parts parts;
  constexpr auto kVersion = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0;
  constexpr auto kIssuerId = CBS_ASN1_CONTEXT_SPECIFIC | 1;
  constexpr auto kSubjectId = CBS_ASN1_CONTEXT_SPECIFIC | 2;
  constexpr auto kExtensions = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 3;
  int has_extensions = 0;
  const bool ok = CBS_get_asn1(&input, &certificate, CBS_ASN1_SEQUENCE) && CBS_len(&input) == 0 &&
                  CBS_get_asn1(&certificate, &tbs, CBS_ASN1_SEQUENCE) &&
                  CBS_get_optional_asn1(&tbs, &skipped, nullptr, kVersion) &&
                  CBS_get_asn1(&tbs, &parts.serial, CBS_ASN1_INTEGER) &&
                  CBS_get_asn1(&tbs, &skipped, CBS_ASN1_SEQUENCE) &&  // signature algorithm
                  CBS_get_asn1(&tbs, &parts.issuer, CBS_ASN1_SEQUENCE) &&
                  CBS_get_asn1(&tbs, &parts.validity, CBS_ASN1_SEQUENCE) &&
                  CBS_get_asn1(&tbs, &skipped, CBS_ASN1_SEQUENCE) &&  // subject
                  CBS_get_asn1_element(&tbs, &parts.public_key, CBS_ASN1_SEQUENCE) &&
                  CBS_get_optional_asn1(&tbs, &skipped, nullptr, kIssuerId) &&
                  CBS_get_optional_asn1(&tbs, &skipped, nullptr, kSubjectId) &&
                  CBS_get_optional_asn1(&tbs, &parts.extensions, &has_extensions, kExtensions);
  if (!ok) return base::fail(base::Code::kMalformed, "certificate: not X.509");
  parts.has_extensions = has_extensions != 0;
  return parts;
}

std::string hex(const CBS& bytes) {
  std::string text;
  for (std::size_t i = 0; i < CBS_len(&bytes); ++i) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", CBS_data(&bytes)[i]);
    text += two;
  }
  return text;
}

std::string text_of(const CBS& bytes) {
  return std::string(reinterpret_cast<const char*>(CBS_data(&bytes)), CBS_len(&bytes));
}

// The issuer's common name, or its organisation when it has none.
std::string readable_name(CBS sequence) {
  std::string organization;
  while (CBS_len(&sequence) > 0) {
    CBS set, pair, type, value;
    unsigned tag = 0;
    if (!CBS_get_asn1(&sequence, &set, CBS_ASN1_SET) ||
        !CBS_get_asn1(&set, &pair, CBS_ASN1_SEQUENCE) ||
        !CBS_get_asn1(&pair, &type, CBS_ASN1_OBJECT) || !CBS_get_any_asn1(&pair, &value, &tag)) {
      break;
    }
    if (CBS_mem_equal(&type, kCommonName, sizeof kCommonName)) return text_of(value);
    if (CBS_mem_equal(&type, kOrganization, sizeof kOrganization)) organization = text_of(value);
  }
  return organization;
}

std::string ip_text(const CBS& bytes) {
  const bool v6 = CBS_len(&bytes) == 16;
  if (!v6 && CBS_len(&bytes) != 4) return {};
  const auto* b = CBS_data(&bytes);
  if (!v6) {
    return std::to_string(b[0]) + '.' + std::to_string(b[1]) + '.' + std::to_string(b[2]) + '.' +
           std::to_string(b[3]);
  }
  std::string text = "[";
  for (int i = 0; i < 16; i += 2) {
    char group[8];
    std::snprintf(group, sizeof group, i == 0 ? "%x" : ":%x", b[i] << 8 | b[i + 1]);
    text += group;
  }
  return base::Endpoint::from_ip(text + "]", 0)->host();  // in the canonical short form
}

// Other bytes are in no DNS name, and would only confuse whoever compares or logs them.
bool is_printable(std::string_view name) {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool read_names(CBS extension, std::vector<std::string>* out) {
  CBS list;
  if (!CBS_get_asn1(&extension, &list, CBS_ASN1_SEQUENCE)) return false;
  while (CBS_len(&list) > 0) {
    CBS value;
    unsigned tag = 0;
    if (!CBS_get_any_asn1(&list, &value, &tag) || out->size() == kMostNames) return false;
    if (tag == (CBS_ASN1_CONTEXT_SPECIFIC | 2)) {
      auto name = text_of(value);
      const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      };
      std::transform(name.begin(), name.end(), name.begin(), lower);
      if (is_printable(name)) out->push_back(std::move(name));
    } else if (tag == (CBS_ASN1_CONTEXT_SPECIFIC | 7)) {
      if (auto ip = ip_text(value); !ip.empty()) out->push_back(std::move(ip));
    }
  }
  return true;
}

// The first OCSP responder that is asked over plain http (RFC 5280 4.2.2.1). What cannot be read
// names none.
std::string responder_in(CBS extension) {
  constexpr auto kUri = CBS_ASN1_CONTEXT_SPECIFIC | 6;
  CBS list, access, method, place;
  unsigned tag = 0;
  if (!CBS_get_asn1(&extension, &list, CBS_ASN1_SEQUENCE)) return {};
  while (CBS_get_asn1(&list, &access, CBS_ASN1_SEQUENCE) &&
         CBS_get_asn1(&access, &method, CBS_ASN1_OBJECT) &&
         CBS_get_any_asn1(&access, &place, &tag)) {
    if (!CBS_mem_equal(&method, kOcsp, sizeof kOcsp) || tag != kUri) continue;
    auto url = text_of(place);
    if (url.size() <= kLongestResponder && url.starts_with("http://") && is_printable(url)) {
      return url;
    }
  }
  return {};
}

// Whether clients are told to insist on a stapled OCSP response (RFC 7633 4.2.3.1).
bool wants_staple(CBS extension) {
  constexpr std::uint64_t kStatusRequest = 5;
  CBS list;
  std::uint64_t feature = 0;
  if (!CBS_get_asn1(&extension, &list, CBS_ASN1_SEQUENCE)) return false;
  while (CBS_get_asn1_uint64(&list, &feature)) {
    if (feature == kStatusRequest) return true;
  }
  return false;
}

bool read_extensions(CBS extensions, LeafFacts* facts) {
  CBS list;
  if (!CBS_get_asn1(&extensions, &list, CBS_ASN1_SEQUENCE)) return false;
  while (CBS_len(&list) > 0) {
    CBS extension, type, value, key_id_list, key_id;
    if (!CBS_get_asn1(&list, &extension, CBS_ASN1_SEQUENCE) ||
        !CBS_get_asn1(&extension, &type, CBS_ASN1_OBJECT) ||
        !CBS_get_optional_asn1(&extension, nullptr, nullptr, CBS_ASN1_BOOLEAN) ||
        !CBS_get_asn1(&extension, &value, CBS_ASN1_OCTETSTRING)) {
      return false;
    }
    if (CBS_mem_equal(&type, kSubjectAltName, sizeof kSubjectAltName)) {
      if (!read_names(value, &facts->names)) return false;
    } else if (CBS_mem_equal(&type, kAuthorityKeyId, sizeof kAuthorityKeyId)) {
      int present = 0;
      if (!CBS_get_asn1(&value, &key_id_list, CBS_ASN1_SEQUENCE) ||
          !CBS_get_optional_asn1(&key_id_list, &key_id, &present, CBS_ASN1_CONTEXT_SPECIFIC | 0)) {
        return false;
      }
      if (present) facts->authority_key_id = hex(key_id);
    } else if (CBS_mem_equal(&type, kAuthorityInfoAccess, sizeof kAuthorityInfoAccess)) {
      facts->responder = responder_in(value);
    } else if (CBS_mem_equal(&type, kTlsFeature, sizeof kTlsFeature)) {
      facts->must_staple = wants_staple(value);
    }
  }
  return true;
}

}  // namespace

base::Result<LeafFacts> read_facts(std::string_view der) {
  auto parts = split(der);
  if (!parts) return base::fail(std::move(parts.error()));
  LeafFacts facts;
  facts.serial = hex(parts->serial);
  facts.issuer = readable_name(parts->issuer);
  if (!read_time(&parts->validity, &facts.not_before) ||
      !read_time(&parts->validity, &facts.not_after)) {
    return bad("validity");
  }
  if (parts->has_extensions && !read_extensions(parts->extensions, &facts)) {
    return bad("extensions");
  }
  return facts;
}

base::Result<std::string> public_key_of(std::string_view der) {
  auto parts = split(der);
  if (!parts) return base::fail(std::move(parts.error()));
  return text_of(parts->public_key);
}

}  // namespace gatehouse::tls
