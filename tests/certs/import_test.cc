#include "certs/import.h"

#include <gtest/gtest.h>

#include "certs/account_record.h"
#include "certs/acme_issuer.h"
#include "config/known_cas.h"
#include "tests/certs/automation_house.h"

namespace gatehouse::certs::import_test {
namespace {

using std::chrono::days;

struct ImportTest : AutomationHouse {
  // Storage of the command line, beside that of the processes.
  struct CommandLine {
    CommandLine(base::Loop& loop, std::shared_ptr<MemoryStorage::Records> records)
        : storage(loop, std::move(records)) {}
    base::BlockingPool blocking{1};
    MemoryStorage storage;
    Inventory inventory{blocking, storage};
  };

  ForeignCertificate certificate(std::vector<std::string> names, std::string directory = "main",
                                 std::chrono::seconds left = days(80),
                                 tls::KeyType type = tls::KeyType::kP256) {
    const auto key = *tls::PrivateKey::generate(type);
    const auto made = make_certificate(key, std::move(names), now - days(10), now + left);
    ForeignCertificate foreign;
    foreign.from = "here";
    foreign.origin.directory = std::move(directory);
    foreign.chain_pem = made->chain_pem();
    foreign.key_pem = key.pem();
    last_serial = made->leaf().serial;
    return foreign;
  }
  ForeignAccount account(std::optional<std::string> email, std::string directory = "main",
                         tls::KeyType type = tls::KeyType::kP256) {
    ForeignAccount foreign;
    foreign.origin.directory = std::move(directory);
    foreign.email = std::move(email);
    foreign.url = "https://ca.example/account/1";
    foreign.key = *tls::PrivateKey::generate(type);
    return foreign;
  }
  std::vector<ImportLine> take(Foreign foreign, ImportOptions options = {}) {
    Import importing(Import::Parts{line.inventory, line.storage, config, [this] { return now; }},
                     std::move(options));
    return run_task(loop, importing.run(std::move(foreign)));
  }
  std::vector<ImportLine> take(std::vector<ForeignCertificate> certificates,
                               ImportOptions options = {}) {
    Foreign foreign;
    foreign.certificates = std::move(certificates);
    return take(std::move(foreign), std::move(options));
  }
  static std::vector<Fate> fates(const std::vector<ImportLine>& lines) {
    std::vector<Fate> all;
    for (const auto& one : lines) all.push_back(one.fate);
    return all;
  }
  std::string serial_in(const Process& process, const std::string& name) {
    return serial(process.certificates.find(name));
  }

  CommandLine line{loop, records};
  std::string last_serial;
};

using Fates = std::vector<Fate>;

TEST_F(ImportTest, ServesACertificateOfSeveralNamesForEachAndOrdersNothing) {
  add_site({"a.example", "b.example", "192.0.2.1"});
  const auto lines = take({certificate({"a.example", "b.example", "192.0.2.1"})});
  EXPECT_EQ(fates(lines), Fates(3, Fate::kImported));
  EXPECT_TRUE(records->records.contains("certificates/main/b.example"));
  Process& process = start();
  until([&] { return serial_in(process, "a.example") == last_serial; });
  until([&] { return serial_in(process, "b.example") == last_serial; });
  until([&] { return serial_in(process, "192.0.2.1") == last_serial; });
  EXPECT_TRUE(ca().ordered.empty());
}

TEST_F(ImportTest, ServesOneForNamesThatShareACertificateAndOrdersNothingUntilItIsDue) {
  add_site({"a.example", "b.example"}).tls.one_certificate = true;
  for (const char* ca : {"main", "gone"}) {
    records->records.clear();
    take({certificate({"a.example", "b.example"}, ca)});
    Process& process = start();
    until([&] { return serial_in(process, "b.example") == last_serial; });
    EXPECT_EQ(serial_in(process, "a.example"), last_serial) << ca;
    settle();
    EXPECT_EQ(this->ca().sets.size(), 0u) << ca;
    stop(process);
  }
  Process& process = start();
  pass(process, days(70));
  until([&] { return serial_in(process, "b.example") != last_serial; });
  settle();
  EXPECT_EQ(ca().sets, (std::vector<std::string>{"a.example b.example"}));
}

TEST_F(ImportTest, TakesOneOfEachKindOfKeyWhereNamesHaveTwo) {
  config.tls.key_type = {config::KeyType::kP256, config::KeyType::kRsa2048};
  add_site({"a.example"});
  const auto rsa = certificate({"a.example"}, "main", days(70), tls::KeyType::kRsa2048);
  const std::string rsa_serial = last_serial;
  const auto lines = take({rsa, certificate({"a.example"})});
  EXPECT_EQ(fates(lines), (Fates{Fate::kImported, Fate::kImported}));
  Process& process = start();
  const auto shown = [&](tls::KeyKinds keys) {
    return serial(process.certificates.find_exact("a.example", keys));
  };
  until([&] { return shown(tls::kRsaKeys) == rsa_serial; });
  until([&] { return shown(tls::kEcdsaKeys) == last_serial; });
  settle();
  EXPECT_TRUE(ca().ordered.empty());
}

TEST_F(ImportTest, KeepsAnRsaOneOfAnUnknownIssuerWhenASecondTypeIsWanted) {
  add_site({"a.example"});
  take({certificate({"a.example"}, "gone", days(80), tls::KeyType::kRsa2048)});
  config.tls.key_type = {config::KeyType::kP256, config::KeyType::kRsa2048};
  for (int life = 0; life < 2; ++life) {
    Process& process = start();
    until([&] { return process.certificates.find_exact("a.example", tls::kEcdsaKeys) != nullptr; });
    settle();
    EXPECT_EQ(serial(process.certificates.find_exact("a.example", tls::kRsaKeys)), last_serial);
    EXPECT_EQ(ca().key_types, (std::vector<std::string>{"p256"}));
    stop(process);
  }
}

TEST_F(ImportTest, ServesAWildcardForTheHostsOfSitesThatItCovers) {
  add_site({"x.a.example"});
  EXPECT_EQ(take({certificate({"*.a.example"})}).size(), 2u);
  Process& process = start();
  until([&] { return serial_in(process, "x.a.example") == last_serial; });
  EXPECT_TRUE(ca().ordered.empty());
}

TEST_F(ImportTest, ServesWhatNoConfiguredIssuerSignedUntilItIsDueAndOrdersFromThoseThen) {
  add_site({"a.example"});
  take({certificate({"a.example"}, "gone")});
  Process& process = start();
  until([&] { return serial_in(process, "a.example") == last_serial; });
  EXPECT_TRUE(ca().ordered.empty());
  EXPECT_TRUE(records->records.contains("imports/a.example"));
  pass(process, days(70));
  until([&] { return serial_in(process, "a.example") != last_serial; });
  settle();
  EXPECT_EQ(ca().ordered, (std::vector<std::string>{"a.example"}));
  EXPECT_EQ(ca().replaced, (std::vector<std::string>{""}));
  EXPECT_FALSE(records->records.contains("imports/a.example"));
}

TEST_F(ImportTest, RenewsWhatAConfiguredIssuerSignedAsItsOwn) {
  add_site({"a.example"});
  take({certificate({"a.example", "b.example"})});
  Process& process = start();
  until([&] { return serial_in(process, "a.example") == last_serial; });
  pass(process, days(70));
  until([&] { return serial_in(process, "a.example") != last_serial; });
  EXPECT_EQ(ca().replaced, (std::vector<std::string>{last_serial}));
}

TEST_F(ImportTest, LeavesAloneWhatLastsLongerInStorageUnlessForced) {
  take({certificate({"a.example"}, "main", days(50))});
  const auto shorter = certificate({"a.example"}, "main", days(40));
  EXPECT_EQ(fates(take({shorter})), (Fates{Fate::kKept}));
  ImportOptions forced;
  forced.force = true;
  EXPECT_EQ(fates(take({shorter}, forced)), (Fates{Fate::kImported}));
  EXPECT_EQ(fates(take({shorter})), (Fates{Fate::kSame}));
  EXPECT_EQ(fates(take({certificate({"a.example"}, "main", days(60))})), (Fates{Fate::kImported}));
}

TEST_F(ImportTest, TakesTheLongestOfSeveralForOneName) {
  const auto first = certificate({"a.example"}, "main", days(20));
  const auto best = certificate({"a.example"}, "main", days(60));
  const std::string wanted = last_serial;
  const auto lines = take({first, best});
  EXPECT_EQ(fates(lines), (Fates{Fate::kImported, Fate::kKept}));
  EXPECT_EQ(lines[0].serial, wanted);
}

TEST_F(ImportTest, WritesNothingWhenItIsOnlyToShow) {
  ImportOptions dry;
  dry.dry_run = true;
  Foreign foreign;
  foreign.certificates = {certificate({"a.example"})};
  foreign.accounts = {account("ops@example.com")};
  EXPECT_EQ(fates(take(std::move(foreign), dry)), (Fates{Fate::kImported, Fate::kImported}));
  EXPECT_TRUE(records->records.empty());
}

TEST_F(ImportTest, TellsWhatCannotBeUsedAndTakesTheRest) {
  auto foreign_key = certificate({"a.example"});
  foreign_key.key_pem = tls::PrivateKey::generate(tls::KeyType::kP256)->pem();
  auto broken = certificate({"a.example"});
  broken.chain_pem = "rubbish";
  const std::string staging(config::find_known_ca("letsencrypt-staging")->directory);
  const auto lines = take({foreign_key, broken, certificate({"a.example"}, "main", days(-1)),
                           certificate({"*.*.example"}), certificate({"a.example"}, staging),
                           certificate({"good.example"})});
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[0].name, "good.example");
  EXPECT_EQ(lines[0].fate, Fate::kImported);
  const char* reasons[] = {"", "key", "PEM", "expired", "host name", "staging"};
  for (std::size_t i = 1; i < 6; ++i) {
    EXPECT_EQ(lines[i].fate, Fate::kUnusable);
    EXPECT_NE(lines[i].reason.find(reasons[i]), std::string::npos) << lines[i].reason;
  }
}

TEST_F(ImportTest, FindsTheDirectoryOfACaByItsHost) {
  config.tls.issuers = {acme("https://ca.example:14000/some/dir")};
  const auto with_host = [&](std::string host) {
    auto foreign = certificate({"a.example"}, "");
    foreign.origin.host = std::move(host);
    return take({foreign}).at(0).issuer;
  };
  EXPECT_EQ(with_host("ca.example:14000"), "ca.example-14000-some-dir");
  EXPECT_EQ(with_host("acme-v02.api.letsencrypt.org"), "acme-v02.api.letsencrypt.org-directory");
  EXPECT_EQ(with_host("unknown.example"), "imported");
  ImportOptions named;
  named.directory = "https://unknown.example/acme";
  EXPECT_EQ(take({certificate({"b.example"}, "")}, named).at(0).issuer, "unknown.example-acme");
}

TEST_F(ImportTest, RemembersTheDirectoryOfTheCaSoThatItCanBeTold) {
  config.tls.issuers = {acme("https://ca.example:14000/some/dir")};
  const auto kept = [&](ForeignCertificate foreign, std::string directory = "") {
    ImportOptions options;
    options.force = true;
    options.directory = std::move(directory);
    const std::string issuer = take({std::move(foreign)}, options).at(0).issuer;
    return parse_record(records->records.at("certificates/" + issuer + "/a.example"))->ca;
  };
  EXPECT_EQ(kept(certificate({"a.example"}, ""), "https://named.example/acme"),
            "https://named.example/acme");
  EXPECT_EQ(kept(certificate({"a.example"}, "https://said.example/acme")),
            "https://said.example/acme");
  auto by_id = certificate({"a.example"}, "");
  by_id.origin.issuer = "ca.example-14000-some-dir";
  EXPECT_EQ(kept(by_id), "https://ca.example:14000/some/dir");
  auto by_host = certificate({"a.example"}, "");
  by_host.origin.host = "acme-v02.api.letsencrypt.org";
  EXPECT_EQ(kept(by_host), "https://acme-v02.api.letsencrypt.org/directory");
  EXPECT_EQ(kept(certificate({"a.example"}, "")), "");
}

TEST_F(ImportTest, KeepsAnAccountWhereTheConfiguredIssuerLooksForIt) {
  auto issuer = acme("main");
  issuer.email = "Ops@example.com";
  config.tls.issuers = {issuer};
  Foreign foreign;
  foreign.accounts = {account(std::nullopt, "main", tls::KeyType::kRsa2048), account("x@y.example"),
                      account("ops@example.com", "other"), account("ops@example.com", "")};
  const auto lines = take(foreign);
  EXPECT_EQ(fates(lines), (Fates{Fate::kImported, Fate::kKept, Fate::kImported, Fate::kUnusable}));
  const auto stored = records->records.find(account_key("main", issuer.email));
  ASSERT_NE(stored, records->records.end());
  const auto parsed = parse_account_record(stored->second);
  ASSERT_TRUE(parsed) << parsed.error().detail;
  EXPECT_EQ(parsed->account.url, "https://ca.example/account/1");
  EXPECT_EQ(parsed->account.key.public_der(), foreign.accounts[0].key.public_der());
  EXPECT_TRUE(records->records.contains(account_key("other", "ops@example.com")));
  EXPECT_NE(lines[3].reason.find("--directory"), std::string::npos);

  EXPECT_EQ(take(foreign)[0].fate, Fate::kSame);
  foreign.accounts = {account(std::nullopt)};
  EXPECT_EQ(take(foreign)[0].fate, Fate::kKept);
}

TEST_F(ImportTest, TellsThatStorageTakesNothing) {
  line.storage.fail_stores = true;
  Foreign foreign;
  foreign.certificates = {certificate({"a.example"})};
  foreign.accounts = {account("")};
  const auto lines = take(std::move(foreign));
  EXPECT_EQ(fates(lines), (Fates{Fate::kFailed, Fate::kFailed}));
  EXPECT_NE(lines[0].reason.find("disk"), std::string::npos) << lines[0].reason;
}

}  // namespace
}  // namespace gatehouse::certs::import_test
