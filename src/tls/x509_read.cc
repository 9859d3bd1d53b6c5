// Reading certificates: a walk over the DER, without building library objects, since thousands are
// read at start.
#include <openssl/bytestring.h>

#include <algorithm>
#include <cstdio>

#include "base/endpoint.h"
#include "tls/x509.h"

namespace gatehouse::tls {

namespace {

constexpr std::uint8_t kSubjectAltName[] = {0x55, 0x1d, 0x11};
constexpr std::uint8_t kAuthorityKeyId[] = {0x55, 0x1d, 0x23};
constexpr std::uint8_t kCommonName[] = {0x55, 0x04, 0x03};
constexpr std::uint8_t kOrganization[] = {0x55, 0x04, 0x0a};
constexpr std::size_t kMostNames = 1000;

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

bool two_digits(CBS* text, int* out) {
  std::uint8_t tens = 0;
  std::uint8_t ones = 0;
  if (!CBS_get_u8(text, &tens) || !CBS_get_u8(text, &ones)) return false;
  if (tens < '0' || tens > '9' || ones < '0' || ones > '9') return false;
  *out = (tens - '0') * 10 + (ones - '0');
  return true;
}

// RFC 5280 4.1.2.5: UTCTime until 2049, GeneralizedTime after, always with seconds and "Z".
bool read_time(CBS* from, base::WallTime* out) {
  CBS text;
  unsigned tag = 0;
  if (!CBS_get_any_asn1(from, &text, &tag)) return false;
  int century = 0, year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (tag == CBS_ASN1_GENERALIZEDTIME) {
    if (!two_digits(&text, &century)) return false;
  } else if (tag != CBS_ASN1_UTCTIME) {
    return false;
  }
  std::uint8_t zulu = 0;
  if (!two_digits(&text, &year) || !two_digits(&text, &month) || !two_digits(&text, &day) ||
      !two_digits(&text, &hour) || !two_digits(&text, &minute) || !two_digits(&text, &second) ||
      !CBS_get_u8(&text, &zulu) || zulu != 'Z' || CBS_len(&text) != 0) {
    return false;
  }
  if (tag == CBS_ASN1_UTCTIME) century = year < 50 ? 20 : 19;
  const std::chrono::year_month_day date{std::chrono::year(century * 100 + year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return false;
  *out = std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
  return true;
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
