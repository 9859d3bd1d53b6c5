#include "tls/x509.h"

#include <gtest/gtest.h>

#include "tests/tls/test_ca.h"

namespace gatehouse::tls::x509_test {
namespace {

using base::Code;
using namespace std::chrono_literals;

// An RSA certificate with an AKI, made by OpenSSL: CN=Sample CA, SAN a.example.
constexpr const char* kSample = R"(
-----BEGIN CERTIFICATE-----
MIIDQjCCAiqgAwIBAgIEAaKzxDANBgkqhkiG9w0BAQsFADAUMRIwEAYDVQQDDAlT
YW1wbGUgQ0EwHhcNMjYxMTIzMTcyMTA4WhcNMzYxMTIwMTcyMTA4WjATMREwDwYD
VQQKDAhTb21lYm9keTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAML0
qMeL7OM8toBzjeWzMi18GMqPyG4NdUip5QxQRnl9u/BdgUnv1J5BqIJXQcnCT15g
CqAj7VFmmAKK+jXj7IT+VKsqr/a4pmEnoQDv5uohMAANWMRpShpRerGGWUD3Tqn/
NrCRUph2M3O878xbnQerDr9eLHsoSsfAuSkEPhBZfwp/MUS9b6pCS46Y4qPGDCgG
4Be6FHfyQS61/sFOojtV7K1vALI+Hpjs9bjSol/MD0JP+KBYOnTruE/IUgG474oT
1Xbd8KeZOTG1YScT1zMK56IjFXa2TxF38mT3Y988WKwtjMIg3KHnkSPH15Iv3u4g
t+3hrbrawNRPlzRTv1sCAwEAAaOBnDCBmTA0BgNVHREELTArgglhLmV4YW1wbGWC
CyouYi5leGFtcGxlhwTAAAIBgQt4QGEuZXhhbXBsZTAfBgNVHSMEGDAWgBThSTJ9
Q2TIpw7HpyEkuY9cWM2dhDAdBgNVHQ4EFgQUsexuSEjsRy2xKExyfmSrQjkSaYgw
DAYDVR0TAQH/BAIwADATBgNVHSUEDDAKBggrBgEFBQcDATANBgkqhkiG9w0BAQsF
AAOCAQEAPK5TjpZhnjx252R22XfhbiYFnQGpTzM0p+Je6dgRtJRMJeh3J9NFV5dU
uRyTyQwVwGPnZuFekAK7dK92Ef7gERJSTLHph4rAeVN5Dr7hJdZ5rUFIUst19w2s
yhP723fmH3SBNhtQQ7vJSLoZWmwEbu/nlyn5Y8T3NbgYgBrG3I710h/g/lYjyTn0
c4AgVeYWg+Y23Dzo8Qzyn3felhd7TmIGLByEtqAcZRBeu6YxRlDGuk7ZkCujeR00
oJEVzhrvpsdj2U0mkWBhJuZdNL3FuTlNEgB33ZKPTn3n5wyqhKYZXxHcDot+7R5H
vxdUViD5AkOpuKB2T7H8LMYSCvm4Fg==
-----END CERTIFICATE-----
)";

std::string sample() { return pem_blocks(kSample, "CERTIFICATE", 1)->front(); }

base::WallTime at(int year, unsigned month, unsigned day) {
  return std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) /
                               std::chrono::day(day));
}

TEST(ReadFacts, ReadsAForeignCertificate) {
  const auto facts = read_facts(sample());
  ASSERT_TRUE(facts) << facts.error().detail;
  EXPECT_EQ(facts->names, (std::vector<std::string>{"a.example", "*.b.example", "192.0.2.1"}));
  EXPECT_EQ(facts->issuer, "Sample CA");
  EXPECT_EQ(facts->serial, "01a2b3c4");
  EXPECT_EQ(facts->authority_key_id, "e149327d4364c8a70ec7a72124b98f5c58cd9d84");
}

TEST(ReadFacts, NeverTakesAPartForTheWhole) {
  const auto der = sample();
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(read_facts(std::string_view(der).substr(0, size))) << size;
  }
  EXPECT_FALSE(read_facts(der + '\0'));
}

TEST(ReadFacts, SurvivesEachFlippedByte) {
  const auto der = sample();
  std::size_t refused = 0;
  for (std::size_t i = 0; i < der.size(); ++i) {
    auto changed = der;
    changed[i] = static_cast<char>(~changed[i]);
    if (!read_facts(changed)) ++refused;
  }
  EXPECT_GT(refused, 20u) << "the frame cannot be changed unnoticed";
}

TEST(ReadFacts, ReadsBothFormsOfTime) {
  TestCa ca;
  TestRequest request;
  request.names = {"a.example"};
  request.not_before = at(1999, 12, 31);
  request.not_after = at(2049, 12, 31);
  EXPECT_EQ(ca.certificate(request)->leaf().not_before, request.not_before);
  EXPECT_EQ(ca.certificate(request)->leaf().not_after, request.not_after);
  request.not_before = at(2000, 2, 29);
  request.not_after = at(2050, 1, 1) + 23h + 59min + 59s;  // GeneralizedTime from here on
  EXPECT_EQ(ca.certificate(request)->leaf().not_before, request.not_before);
  EXPECT_EQ(ca.certificate(request)->leaf().not_after, request.not_after);
}

TEST(ReadFacts, LeavesOutNamesThatAreNone) {
  auto der = sample();
  const auto found = der.find("a.example");
  ASSERT_NE(found, std::string::npos);
  der[found] = '\n';
  EXPECT_EQ(read_facts(der)->names, (std::vector<std::string>{"*.b.example", "192.0.2.1"}));
}

TEST(ReadFacts, TakesTheOrganisationOfAnIssuerWithoutCommonName) {
  auto der = sample();
  // 2.5.4.3 (common name) becomes 2.5.4.10 (organisation) in the issuer, which comes first.
  const auto found = der.find("\x55\x04\x03");
  ASSERT_NE(found, std::string::npos);
  der[found + 2] = '\x0a';
  EXPECT_EQ(read_facts(der)->issuer, "Sample CA");
}

TEST(ReadFacts, SaysWhatIsMalformed) {
  const auto facts = read_facts("rubbish");
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().code, Code::kMalformed);
  auto der = sample();
  const auto date = der.find("\x17\x0d");  // UTCTime of 13 bytes
  ASSERT_NE(date, std::string::npos);
  der[date + 2 + 2] = '9';  // month 9x
  EXPECT_NE(read_facts(der).error().detail.find("validity"), std::string::npos);
}

TEST(PublicKeyOf, IsTheKeysOwn) {
  TestCa ca;
  const auto der = pem_blocks(ca.pem(), "CERTIFICATE", 1)->front();
  EXPECT_EQ(public_key_of(der).value(), ca.key().public_der());
  EXPECT_EQ(public_key_of("x").error().code, Code::kMalformed);
}

}  // namespace
}  // namespace gatehouse::tls::x509_test
