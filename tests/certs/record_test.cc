#include "certs/record.h"

#include <gtest/gtest.h>

#include "certs/inventory.h"
#include "tests/certs/fake_issuer.h"
#include "tests/certs/memory_storage.h"
#include "tests/certs/run_task.h"
#include "tests/certs/test_authority.h"

namespace gatehouse::certs::record_test {
namespace {

struct RecordTest : testing::Test {
  RecordTest() {
    const auto key = *tls::PrivateKey::generate(tls::KeyType::kP256);
    record.issuer = "ca.example-dir";
    record.names = {"a.example"};
    record.obtained = base::wall_now();
    record.certificate = *tls::Certificate::make(authority.sign(key, {"a.example"}), key);
  }
  TestAuthority authority;
  Record record;
  base::Loop loop;
  base::BlockingPool blocking{1};
  MemoryStorage storage{loop};
  Inventory inventory{blocking, storage};
};

TEST_F(RecordTest, ComesBackAsItWas) {
  const auto read = parse_record(to_text(record));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->issuer, record.issuer);
  EXPECT_EQ(read->names, record.names);
  EXPECT_EQ(read->obtained, record.obtained);
  EXPECT_EQ(read->certificate->chain_pem(), record.certificate->chain_pem());
  EXPECT_EQ(read->certificate->key().public_der(), record.certificate->key().public_der());
  EXPECT_EQ(read->due(RenewalPolicy()), record.due(RenewalPolicy()));
}

TEST_F(RecordTest, RemembersWhereItCameFromAndThatItWasRevoked) {
  EXPECT_FALSE(parse_record(to_text(record))->revoked);
  record.ca = "https://ca.example/dir";
  record.account = "https://ca.example/account/1";
  record.revoked.emplace();
  record.revoked->reason = acme::RevocationReason::kCessationOfOperation;
  record.revoked->at = record.obtained;
  record.revoked->told = true;
  record.revoked->replace = false;
  const auto read = parse_record(to_text(record));
  ASSERT_TRUE(read && read->revoked);
  EXPECT_EQ(read->ca, record.ca);
  EXPECT_EQ(read->account, record.account);
  EXPECT_EQ(read->revoked->reason, record.revoked->reason);
  EXPECT_EQ(read->revoked->at, record.obtained);
  EXPECT_TRUE(read->revoked->told);
  EXPECT_FALSE(read->revoked->replace);
}

// Let's Encrypt signs five a week for the same names, whatever the keys.
TEST_F(RecordTest, TwoCertificatesOfTheSameNamesShareWhatTheCaSignsInAWeek) {
  const auto now = record.obtained;
  record.issuer = "acme-v02.api.letsencrypt.org-directory";
  record.earlier = {now - std::chrono::hours(2)};
  EXPECT_EQ(record.wait_for_next(now), now);
  EXPECT_EQ(record.wait_for_next(now, true), record.earlier.front() + std::chrono::days(7));
  record.earlier.insert(record.earlier.begin(), 3, now - std::chrono::hours(3));
  EXPECT_EQ(record.wait_for_next(now), record.earlier.front() + std::chrono::days(7));
}

TEST_F(RecordTest, EveryCutAndEveryMissingPartIsDamage) {
  const std::string text = to_text(record);
  for (std::size_t size = 0; size + 3 < text.size(); size += 7) {
    const auto read = parse_record(text.substr(0, size));
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().code, base::Code::kDamaged);
  }
  for (const char* part : {"version", "issuer", "names", "obtained", "chain", "key"}) {
    std::string without = text;
    const std::size_t at = without.find(std::string("\"") + part + "\"");
    ASSERT_NE(at, std::string::npos) << part;
    without[at + 1] = '#';
    EXPECT_FALSE(parse_record(without)) << part;
  }
  EXPECT_FALSE(parse_record("[]"));
  EXPECT_FALSE(parse_record("null"));
}

TEST_F(RecordTest, AKeyOfAnotherCertificateIsDamage) {
  Record other = record;
  const auto key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  other.certificate = *tls::Certificate::make(authority.sign(key, {"a.example"}), key);
  std::string text = to_text(record);
  const std::string right = "\"key\": \"";
  const std::string wrong = to_text(other);
  const std::size_t at = text.find(right);
  const std::size_t from = wrong.find(right);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, text.find('\n', at) - at, wrong.substr(from, wrong.find('\n', from) - from));
  const auto read = parse_record(text);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, base::Code::kDamaged);
}

TEST_F(RecordTest, FailuresComeBackAsTheyWere) {
  Failures failures;
  failures.count = 3;
  failures.next_attempt = record.obtained + std::chrono::minutes(100);
  failures.last_error = "the CA said \"no\"\n";
  failures.issuers = "a b";
  failures.not_before["a"] = record.obtained + std::chrono::hours(3);
  failures.left_out["b.example"] = {2, failures.next_attempt, "no such name"};
  const auto read = parse_failures(to_text(failures));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->count, 3u);
  EXPECT_EQ(read->next_attempt, failures.next_attempt);
  EXPECT_EQ(read->last_error, failures.last_error);
  EXPECT_EQ(read->issuers, failures.issuers);
  EXPECT_EQ(read->not_before, failures.not_before);
  ASSERT_EQ(read->left_out.size(), 1u);
  EXPECT_EQ(read->left_out.at("b.example").count, 2u);
  EXPECT_EQ(read->left_out.at("b.example").next_attempt, failures.next_attempt);
  EXPECT_EQ(read->left_out.at("b.example").error, "no such name");
  EXPECT_FALSE(parse_failures("{\"version\":1}"));
  EXPECT_FALSE(parse_failures("{\"version\":1,\"count\":-1}"));
}

TEST_F(RecordTest, TheInventoryKeepsOneRecordACertificate) {
  ASSERT_TRUE(run_task(loop, inventory.save(record)));
  EXPECT_EQ(storage.held().records.size(), 1u);
  EXPECT_TRUE(storage.held().records.contains("certificates/ca.example-dir/a.example"));
  const auto read = run_task(loop, inventory.load("ca.example-dir", "a.example"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->certificate->leaf().serial, record.certificate->leaf().serial);
  EXPECT_EQ(run_task(loop, inventory.load("ca.example-dir", "b.example")).error().code,
            base::Code::kNotFound);
}

TEST_F(RecordTest, TheInventorySetsDamagedRecordsAside) {
  const std::string key = "certificates/ca.example-dir/a.example";
  storage.held().records[key] = to_text(record).substr(0, 100);
  EXPECT_EQ(run_task(loop, inventory.load("ca.example-dir", "a.example")).error().code,
            base::Code::kDamaged);
  EXPECT_TRUE(storage.held().aside.contains(key));
  storage.held().records[key] = to_text(record);
  storage.held().damaged.insert(key);
  EXPECT_EQ(run_task(loop, inventory.load("ca.example-dir", "a.example")).error().code,
            base::Code::kDamaged);
  EXPECT_EQ(run_task(loop, inventory.load("ca.example-dir", "a.example")).error().code,
            base::Code::kNotFound);
}

TEST_F(RecordTest, TheInventoryTakesNoRecordOfAnotherName) {
  storage.held().records["certificates/ca.example-dir/b.example"] = to_text(record);
  EXPECT_EQ(run_task(loop, inventory.load("ca.example-dir", "b.example")).error().code,
            base::Code::kDamaged);
}

TEST_F(RecordTest, AnOldRecordDoesNotReplaceANewerOne) {
  ASSERT_TRUE(run_task(loop, inventory.save(record)));
  const auto key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  const auto end = record.certificate->leaf().not_after;
  const std::chrono::hours hour(1);
  for (const auto other_end : {end - hour, end + hour}) {
    Record other = record;
    other.certificate = make_certificate(key, {"a.example"}, end - 12 * hour, other_end);
    ASSERT_TRUE(run_task(loop, inventory.save_newer(other)));
    const auto read = run_task(loop, inventory.load("ca.example-dir", "a.example"));
    EXPECT_EQ(read->certificate->leaf().not_after, std::max(end, other_end));
  }
}

TEST(CertificateKey, IsIssuerAndName) {
  const auto key = parse_certificate_key("certificates/internal/*.a.example");
  EXPECT_EQ(key.issuer, "internal");
  EXPECT_EQ(key.name, "*.a.example");
  for (const char* wrong : {"", "certificates", "certificates/", "certificates/internal",
                            "certificates/a/b/c", "accounts/a/b"}) {
    EXPECT_EQ(parse_certificate_key(wrong).name, "") << wrong;
  }
}

}  // namespace
}  // namespace gatehouse::certs::record_test
