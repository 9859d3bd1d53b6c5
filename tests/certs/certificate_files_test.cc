#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "certs/startup.h"
#include "tests/certs/fake_issuer.h"

namespace gatehouse::certs::certificate_files_test {
namespace {

struct CertificateFilesTest : testing::Test {
  CertificateFilesTest() {
    std::string name = (std::filesystem::temp_directory_path() / "gatehouse-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = name;
    const auto made = make_certificate(key, {"a.example", "*.a.example"}, now - hour, now + hour);
    write("chain.pem", made->chain_pem());
    write("key.pem", key.pem());
  }
  ~CertificateFilesTest() override { std::filesystem::remove_all(folder); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder / name, std::ios::binary) << text;
  }
  void add_site(std::vector<std::string> hosts, const std::string& chain, const std::string& own) {
    config::Site site;
    site.hosts = std::move(hosts);
    site.tls.certificate = {{(folder / chain).string(), (folder / own).string()}};
    config.sites.push_back(std::move(site));
  }

  const std::chrono::seconds hour = std::chrono::hours(1);
  base::WallTime now = base::wall_now();
  std::filesystem::path folder;
  tls::PrivateKey key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  config::Config config;
  tls::CertificateStore certificates;
};

TEST_F(CertificateFilesTest, AreServedForTheHostsOfTheirSite) {
  add_site({"a.example", "*.a.example"}, "chain.pem", "key.pem");
  const auto loaded = load_certificate_files(config, certificates);
  ASSERT_TRUE(loaded) << loaded.error().detail;
  EXPECT_NE(certificates.find("a.example"), nullptr);
  EXPECT_NE(certificates.find("x.a.example"), nullptr);
  EXPECT_EQ(certificates.find("b.example"), nullptr);
}

TEST_F(CertificateFilesTest, OneOfEachKindOfKeyIsShownToWhoCanCheckIt) {
  const auto rsa_key = *tls::PrivateKey::generate(tls::KeyType::kRsa2048);
  write("rsa.pem", make_certificate(rsa_key, {"a.example"}, now - hour, now + hour)->chain_pem());
  write("rsa.key", rsa_key.pem());
  for (const bool rsa_first : {false, true}) {
    config.sites.clear();
    add_site({"a.example"}, "chain.pem", "key.pem");
    auto& files = config.sites[0].tls.certificate;
    files.push_back({(folder / "rsa.pem").string(), (folder / "rsa.key").string()});
    if (rsa_first) std::swap(files[0], files[1]);
    const auto loaded = load_certificate_files(config, certificates);
    ASSERT_TRUE(loaded) << loaded.error().detail;
    EXPECT_TRUE(certificates.find("a.example", tls::kAllKeys, now)->key().is_ecdsa());
    EXPECT_TRUE(certificates.find("a.example", tls::kEcdsaP256, now)->key().is_ecdsa());
    EXPECT_FALSE(certificates.find("a.example", tls::kRsaKeys, now)->key().is_ecdsa());
  }
}

TEST_F(CertificateFilesTest, TwoOfTheSameKindOfKeyAreAnErrorThatSaysWhy) {
  const auto other = *tls::PrivateKey::generate(tls::KeyType::kP384);
  write("p384.pem", make_certificate(other, {"a.example"}, now - hour, now + hour)->chain_pem());
  write("p384.key", other.pem());
  add_site({"a.example"}, "chain.pem", "key.pem");
  config.sites[0].tls.certificate.push_back(
      {(folder / "p384.pem").string(), (folder / "p384.key").string()});
  const auto loaded = load_certificate_files(config, certificates);
  ASSERT_FALSE(loaded);
  for (const char* word : {"/sites/0/tls/certificate", "p384.pem", "one has an ECDSA and one an"}) {
    EXPECT_NE(loaded.error().detail.find(word), std::string::npos) << loaded.error().detail;
  }
}

TEST_F(CertificateFilesTest, OfASiteForEveryNameAreServedForTheNamesInThem) {
  add_site({"*"}, "chain.pem", "key.pem");
  ASSERT_TRUE(load_certificate_files(config, certificates));
  EXPECT_NE(certificates.find("a.example"), nullptr);
  EXPECT_NE(certificates.find("x.a.example"), nullptr);
  EXPECT_EQ(certificates.find("b.example"), nullptr);
}

TEST_F(CertificateFilesTest, OfASiteForEveryNameLeaveOtherSitesAlone) {
  add_site({"*"}, "chain.pem", "key.pem");
  config::Site other;
  other.hosts = {"a.example"};
  config.sites.push_back(std::move(other));
  ASSERT_TRUE(load_certificate_files(config, certificates));
  EXPECT_EQ(certificates.find_exact("a.example"), nullptr);
  EXPECT_NE(certificates.find_exact("*.a.example"), nullptr);
}

TEST_F(CertificateFilesTest, AKeyOfAnotherCertificateIsAnErrorThatNamesBothFiles) {
  write("other.pem", tls::PrivateKey::generate(tls::KeyType::kP256)->pem());
  add_site({"b.example"}, "chain.pem", "key.pem");
  add_site({"a.example"}, "chain.pem", "other.pem");
  const auto loaded = load_certificate_files(config, certificates);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, base::Code::kDenied);
  EXPECT_NE(loaded.error().detail.find("/sites/1/tls/certificate"), std::string::npos);
  EXPECT_NE(loaded.error().detail.find("chain.pem"), std::string::npos);
  EXPECT_NE(loaded.error().detail.find("other.pem"), std::string::npos);
}

TEST_F(CertificateFilesTest, MissingAndMalformedFilesAreErrorsThatNameThem) {
  write("broken.pem", "-----BEGIN CERTIFICATE-----\nnonsense\n");
  write("large.pem", std::string(2 * 1024 * 1024, 'x'));
  for (const char* wrong : {"missing.pem", "broken.pem", "large.pem", "key.pem"}) {
    config.sites.clear();
    add_site({"a.example"}, wrong, "key.pem");
    const auto loaded = load_certificate_files(config, certificates);
    ASSERT_FALSE(loaded) << wrong;
    EXPECT_NE(loaded.error().detail.find(wrong), std::string::npos) << loaded.error().detail;
  }
  config.sites.clear();
  add_site({"a.example"}, "chain.pem", "missing.pem");
  const auto loaded = load_certificate_files(config, certificates);
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().detail.find("missing.pem"), std::string::npos);
  EXPECT_EQ(certificates.size(), 0u);
}

TEST_F(CertificateFilesTest, AFolderIsNoCertificate) {
  std::filesystem::create_directory(folder / "folder.pem");
  add_site({"a.example"}, "folder.pem", "key.pem");
  EXPECT_FALSE(load_certificate_files(config, certificates));
}

TEST_F(CertificateFilesTest, AllThatIsWrongIsToldAtOnce) {
  add_site({"a.example"}, "chain.pem", "none.key");
  add_site({"b.example"}, "chain.pem", "key.pem");
  add_site({"c.example"}, "none.pem", "key.pem");
  const auto loaded = load_certificate_files(config, certificates);
  ASSERT_FALSE(loaded);
  for (const auto* part :
       {"/sites/0/tls/certificate: ", "none.key", "\n/sites/2/tls/certificate: ", "none.pem"}) {
    EXPECT_NE(loaded.error().detail.find(part), std::string::npos) << loaded.error().detail;
  }
}

TEST_F(CertificateFilesTest, TrustRootsOfACaAreLookedAtToo) {
  add_site({"a.example"}, "chain.pem", "key.pem");
  config::AcmeIssuer acme;
  acme.ca_file = (folder / "chain.pem").string();
  config.tls.issuers.push_back(acme);
  EXPECT_TRUE(check_trust_files(config));
  acme.ca_file = (folder / "none.pem").string();
  config.sites[0].tls.issuers = {config::InternalIssuer(), acme};
  const auto missing = check_trust_files(config);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().detail.find("/sites/0/tls/issuers/1/acme/ca_file"), std::string::npos);
  EXPECT_NE(missing.error().detail.find(acme.ca_file), std::string::npos);
  acme.ca_file = (folder / "key.pem").string();
  config.tls.issuers = {acme};
  EXPECT_FALSE(check_trust_files(config));
}

TEST_F(CertificateFilesTest, AProgramThatCannotBeRunIsToldAtStart) {
  config::AcmeIssuer issuer;
  issuer.dns.emplace();
  auto& command = issuer.dns->provider.emplace<config::DnsCommand>();
  command.program = "/bin/sh";
  config.tls.issuers = {issuer};
  EXPECT_TRUE(check_trust_files(config));
  command.program = (folder / "key.pem").string();
  config.tls.issuers = {issuer};
  const auto refused = check_trust_files(config);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("/tls/issuers/0/acme/dns/command/program: cannot be run"),
            std::string::npos)
      << refused.error().detail;
}

}  // namespace
}  // namespace gatehouse::certs::certificate_files_test
