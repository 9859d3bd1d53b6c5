// The TLS-ALPN-01 answer, read again by other code than the one that made it and judged as the
// strictest CA does (RFC 8737 3, RFC 8738).
#include <gtest/gtest.h>
#include <openssl/bytestring.h>
#include <openssl/evp.h>
#include <openssl/pool.h>
#include <openssl/sha.h>

#include <set>

#include "tls/key.h"
#include "tls/x509.h"

namespace gatehouse::tls::challenge_certificate_test {
namespace {

const std::string kSan("\x55\x1d\x11");
const std::string kAcmeIdentifier("\x2b\x06\x01\x05\x05\x07\x01\x1f");

std::string text_of(const CBS& bytes) {
  return std::string(reinterpret_cast<const char*>(CBS_data(&bytes)), CBS_len(&bytes));
}

struct Extension {
  std::string type;
  bool critical = false;
  std::string value;
};

// Strict: each field in its place and nothing behind the last.
struct Parsed {
  std::string signed_part;
  std::string signature;
  std::string issuer;
  std::string subject;
  std::string public_key;
  std::vector<Extension> extensions;
  bool ok = false;
};

bool read_extensions(CBS list, std::vector<Extension>* out) {
  while (CBS_len(&list) > 0) {
    CBS one, type, value;
    int critical = 0;
    if (!CBS_get_asn1(&list, &one, CBS_ASN1_SEQUENCE) ||
        !CBS_get_asn1(&one, &type, CBS_ASN1_OBJECT) ||
        (CBS_peek_asn1_tag(&one, CBS_ASN1_BOOLEAN) && !CBS_get_asn1_bool(&one, &critical)) ||
        !CBS_get_asn1(&one, &value, CBS_ASN1_OCTETSTRING) || CBS_len(&one) != 0) {
      return false;
    }
    Extension extension;
    extension.type = text_of(type);
    extension.critical = critical != 0;
    extension.value = text_of(value);
    out->push_back(std::move(extension));
  }
  return true;
}

Parsed parse(const Certificate& certificate) {
  const auto* block = certificate.chain().front().get();
  CBS input, outer, tbs_element, tbs, algorithm, bits, version, serial, issuer, dates, subject;
  CBS key, wrapper, list;
  std::uint8_t unused_bits = 1;
  std::uint64_t version_number = 0;
  CBS_init(&input, CRYPTO_BUFFER_data(block), CRYPTO_BUFFER_len(block));
  Parsed parsed;
  constexpr auto kTag0 = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0;
  constexpr auto kTag3 = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 3;
  parsed.ok = CBS_get_asn1(&input, &outer, CBS_ASN1_SEQUENCE) && CBS_len(&input) == 0 &&
              CBS_get_asn1_element(&outer, &tbs_element, CBS_ASN1_SEQUENCE) &&
              CBS_get_asn1(&outer, &algorithm, CBS_ASN1_SEQUENCE) &&
              CBS_get_asn1(&outer, &bits, CBS_ASN1_BITSTRING) && CBS_len(&outer) == 0 &&
              CBS_get_u8(&bits, &unused_bits) && unused_bits == 0;
  if (!parsed.ok) return parsed;
  parsed.signed_part = text_of(tbs_element);
  parsed.signature = text_of(bits);
  parsed.ok =
      CBS_get_asn1(&tbs_element, &tbs, CBS_ASN1_SEQUENCE) && CBS_get_asn1(&tbs, &version, kTag0) &&
      CBS_get_asn1_uint64(&version, &version_number) && version_number == 2 &&
      CBS_get_asn1(&tbs, &serial, CBS_ASN1_INTEGER) && CBS_len(&serial) <= 20 &&
      CBS_get_asn1(&tbs, &algorithm, CBS_ASN1_SEQUENCE) &&
      CBS_get_asn1_element(&tbs, &issuer, CBS_ASN1_SEQUENCE) &&
      CBS_get_asn1(&tbs, &dates, CBS_ASN1_SEQUENCE) &&
      CBS_get_asn1_element(&tbs, &subject, CBS_ASN1_SEQUENCE) &&
      CBS_get_asn1_element(&tbs, &key, CBS_ASN1_SEQUENCE) && CBS_get_asn1(&tbs, &wrapper, kTag3) &&
      CBS_len(&tbs) == 0 && CBS_get_asn1(&wrapper, &list, CBS_ASN1_SEQUENCE) &&
      CBS_len(&wrapper) == 0 && read_extensions(list, &parsed.extensions);
  if (!parsed.ok) return parsed;
  parsed.issuer = text_of(issuer);
  parsed.subject = text_of(subject);
  parsed.public_key = text_of(key);
  return parsed;
}

bool signature_holds(const Parsed& parsed) {
  CBS der;
  CBS_init(&der, reinterpret_cast<const std::uint8_t*>(parsed.public_key.data()),
           parsed.public_key.size());
  bssl::UniquePtr<EVP_PKEY> key(EVP_parse_public_key(&der));
  bssl::ScopedEVP_MD_CTX context;
  return key && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) &&
         EVP_DigestVerify(context.get(),
                          reinterpret_cast<const std::uint8_t*>(parsed.signature.data()),
                          parsed.signature.size(),
                          reinterpret_cast<const std::uint8_t*>(parsed.signed_part.data()),
                          parsed.signed_part.size()) == 1;
}

std::string der(char tag, const std::string& contents) {
  std::string out(1, tag);
  if (contents.size() >= 0x80) out += '\x81';
  out += static_cast<char>(contents.size());
  return out + contents;
}

// The value that a CA expects, byte for byte.
std::string expected_identifier(const std::string& key_authorization) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const std::uint8_t*>(key_authorization.data()), key_authorization.size(),
         reinterpret_cast<std::uint8_t*>(hash.data()));
  return "\x04\x20" + hash;
}

void expect_strict(const std::string& name, const std::string& expected_san) {
  const auto key = PrivateKey::generate(KeyType::kP256).value();
  const std::string key_authorization = "token.thumbprint";
  auto made = challenge_certificate(name, key_authorization, key);
  ASSERT_TRUE(made) << made.error().detail;
  ASSERT_EQ((*made)->chain().size(), 1u);
  const auto parsed = parse(**made);
  ASSERT_TRUE(parsed.ok);
  EXPECT_EQ(parsed.issuer, parsed.subject);
  EXPECT_EQ(parsed.public_key, key.public_der());
  EXPECT_TRUE(signature_holds(parsed));
  std::set<std::string> types;
  for (const auto& extension : parsed.extensions) {
    EXPECT_TRUE(types.insert(extension.type).second) << "an extension stands there twice";
    if (extension.type == kSan) {
      EXPECT_EQ(extension.value, expected_san);
    }
    if (extension.type == kAcmeIdentifier) {
      EXPECT_TRUE(extension.critical);
      EXPECT_EQ(extension.value, expected_identifier(key_authorization));
    }
  }
  EXPECT_TRUE(types.contains(kSan));
  EXPECT_TRUE(types.contains(kAcmeIdentifier));
}

TEST(ChallengeCertificate, PassesTheStrictChecks) {
  const std::string name = "www.some.example";
  expect_strict(name, der('\x30', der('\x82', name)));
}

TEST(ChallengeCertificate, HoldsNamesTooLongForACommonName) {
  const std::string name = std::string(63, 'a') + "." + std::string(50, 'b') + ".example";
  expect_strict(name, der('\x30', der('\x82', name)));
}

TEST(ChallengeCertificate, HoldsAddresses) {
  expect_strict("192.0.2.1", der('\x30', der('\x87', std::string("\xc0\x00\x02\x01", 4))));
  expect_strict(
      "2001:db8::1",
      der('\x30', der('\x87', std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16))));
}

TEST(ChallengeCertificate, IsValidNow) {
  const auto key = PrivateKey::generate(KeyType::kP256).value();
  const auto made = challenge_certificate("a.example", "x", key).value();
  EXPECT_TRUE(made->valid_at(base::wall_now()));
  EXPECT_EQ(made->leaf().names, std::vector<std::string>{"a.example"});
}

TEST(ChallengeCertificate, RefusesNamesThatFitNoCertificate) {
  const auto key = PrivateKey::generate(KeyType::kP256).value();
  EXPECT_EQ(challenge_certificate("", "x", key).error().code, base::Code::kMalformed);
  EXPECT_EQ(challenge_certificate(std::string(300, 'a'), "x", key).error().code,
            base::Code::kMalformed);
}

}  // namespace
}  // namespace gatehouse::tls::challenge_certificate_test
