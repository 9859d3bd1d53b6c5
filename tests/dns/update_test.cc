// Updates of a real zone: Debian's Knot DNS, which checks TSIG.
#include "dns/update.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "dns/propagation.h"
#include "tests/base/on_loop.h"
#include "tests/certs/child_process.h"
#include "tests/storage/folder.h"

namespace gatehouse::dns::update_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kSecret = "dGhpcnR5LXR3byBieXRlcyBvZiBzZWNyZXQsIGhlcmU=";
constexpr const char* kName = "_acme-challenge.www.b.example";

std::string configuration(const std::string& folder, int port) {
  const auto key = [](const std::string& name, const std::string& algorithm) {
    return "  - id: " + name + "\n    algorithm: " + algorithm + "\n    secret: " + kSecret + "\n";
  };
  return "server:\n    rundir: " + folder + "\n    listen: 127.0.0.1@" + std::to_string(port) +
         "\n    udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\n" +
         "database:\n    storage: " + folder + "/db\n" + "key:\n" + key("sha256", "hmac-sha256") +
         key("sha512", "hmac-sha512") + key("reader", "hmac-sha256") +
         "acl:\n  - id: change\n    key: [sha256, sha512]\n    action: update\n" +
         "  - id: read\n    key: reader\n    action: update\n    update-type: A\n" +
         "template:\n  - id: default\n    storage: " + folder +
         "\n    acl: [change, read]\n    zonefile-sync: -1\n" + "zone:\n  - domain: b.example\n";
}

class DnsUpdate : public ::testing::Test {
 protected:
  DnsUpdate() {
    std::filesystem::create_directory(folder_.path() / "db");
    std::ofstream(folder_.path() / "b.example.zone")
        << "$ORIGIN b.example.\n$TTL 5\n@ SOA ns1 hostmaster 1 600 600 600 5\n@ NS ns1\n"
        << "ns1 A 127.0.0.1\n_acme-challenge.www TXT \"somebody else's\"\n";
    const auto file = (folder_.path() / "knot.conf").string();
    std::ofstream(file) << configuration(folder_.path().string(), port_);
    knot_ = std::make_unique<certs::ChildProcess>(
        std::vector<std::string>{"/usr/sbin/knotd", "-c", file}, std::vector<std::string>(), port_);
    // It listens before it has read its zones.
    NameServer server;
    server.name = "knot";
    server.addresses.push_back(at());
    loaded_ = base::run(loop_, await_txt(loop_, {server}, kName, "somebody else's", soon()));
  }

  base::Endpoint at() const {
    return *base::Endpoint::from_ip("127.0.0.1", static_cast<std::uint16_t>(port_));
  }
  static base::Deadline soon() { return base::Deadline::in(base::Duration(20'000)); }
  static TsigKey key(std::string name = "sha256") {
    TsigKey key;
    key.algorithm = name == "sha512" ? TsigAlgorithm::kHmacSha512 : TsigAlgorithm::kHmacSha256;
    key.name = std::move(name);
    key.secret = *read_secret(kSecret);
    return key;
  }
  std::string change(Change change, std::string value, TsigKey by = key(),
                     std::string name = kName) {
    const auto done = base::run(loop_, update(loop_, at(), std::move(by), change, std::move(name),
                                              std::move(value), soon()));
    return done ? "" : done.error().detail;
  }
  std::vector<std::string> values() {
    const auto answer = base::run(loop_, ask(loop_, at(), kName, Type::kTxt, false, soon()));
    std::vector<std::string> found;
    for (const Record& record : answer->answers) found.push_back(record.value);
    std::ranges::sort(found);
    return found;
  }

  const storage::Folder folder_;
  const int port_ = certs::free_port();
  base::Loop loop_;
  std::unique_ptr<certs::ChildProcess> knot_;
  base::Result<void> loaded_;
};

TEST_F(DnsUpdate, ValuesComeAndGoOneByOne) {
  ASSERT_TRUE(loaded_) << loaded_.error().detail;
  EXPECT_EQ(change(Change::kAdd, "one"), "");
  EXPECT_EQ(change(Change::kAdd, "two", key("sha512")), "");
  EXPECT_EQ(change(Change::kAdd, "two"), "") << "twice is no fault";
  EXPECT_THAT(values(), ElementsAre("one", "somebody else's", "two"));
  EXPECT_EQ(change(Change::kRemove, "one"), "");
  EXPECT_THAT(values(), ElementsAre("somebody else's", "two"));
  EXPECT_EQ(change(Change::kRemove, "two"), "");
  EXPECT_EQ(change(Change::kRemove, "two"), "") << "nor is what is not there";
  EXPECT_THAT(values(), ElementsAre("somebody else's"));
}

TEST_F(DnsUpdate, SaysWhyTheServerRefuses) {
  TsigKey wrong = key();
  wrong.secret = "another secret";
  EXPECT_THAT(change(Change::kAdd, "x", wrong), HasSubstr("another at the server (BADSIG)"));
  EXPECT_THAT(change(Change::kAdd, "x", key("unknown")),
              HasSubstr("does not take the key \"unknown\""));
  EXPECT_THAT(change(Change::kAdd, "x", key("reader")),
              HasSubstr("does not take the key \"reader\" with hmac-sha256 for this (BADKEY)"));
  EXPECT_THAT(change(Change::kAdd, "x", key(), "_acme-challenge.a.test"),
              HasSubstr("127.0.0.1:" + std::to_string(port_)));
  EXPECT_THAT(values(), ElementsAre("somebody else's"));
}

TEST(DnsUpdateMessage, TouchesOneValueOfOneName) {
  const std::string add = *make_update(1, Change::kAdd, "b.example", "a.b.example", "v");
  const std::string remove = *make_update(1, Change::kRemove, "b.example", "a.b.example", "v");
  const std::string head("\0\1\x28\0\0\1\0\0\0\1\0\0\1b\7example\0\0\6\0\1\1a\1b\7example\0\0\x10",
                         42);
  EXPECT_EQ(add, head + std::string("\0\1\0\0\0\x3c\0\2\1v", 10));
  EXPECT_EQ(remove, head + std::string("\0\xfe\0\0\0\0\0\2\1v", 10));
  EXPECT_FALSE(make_update(1, Change::kAdd, "b", "a.b", std::string(256, 'v')));
}

}  // namespace
}  // namespace gatehouse::dns::update_test
