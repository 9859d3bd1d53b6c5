// Orders that were cut off are taken up.
#include "certs/open_order.h"

#include <gmock/gmock.h>

#include <atomic>

#include "tests/certs/acme_house.h"

namespace gatehouse::certs::open_order_test {
namespace {

using acme::FakeCa;
using acme::ScriptReply;
using acme::ScriptRequest;
using ::testing::HasSubstr;

class OpenOrderTest : public AcmeHouse {
 protected:
  OpenOrderTest() {
    ca.intercept = [this](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
      if (!broken || !request.path.starts_with(broken_path)) return std::nullopt;
      return reply;
    };
  }
  // An order that fails where requests to this path do.
  void cut_off(std::string path) {
    broken_path = std::move(path);
    broken = true;
    EXPECT_FALSE(issue());
    broken = false;
    issuer_.reset();  // as a new process would
    key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  }
  bool kept() { return storage.held().records.contains(key_of_order()); }
  std::string key_of_order() { return "orders/" + issuer_id_of(ca.directory_url()) + "/a.test"; }

  std::atomic<bool> broken = false;
  std::string broken_path;
  ScriptReply reply = FakeCa::problem(500, "serverInternal", "in trouble");
};

class CutOff : public OpenOrderTest, public testing::WithParamInterface<const char*> {};

TEST_P(CutOff, IsTakenUpRatherThanOrderedAgain) {
  cut_off(GetParam());
  const std::string other = key.public_der();
  EXPECT_TRUE(kept());
  const auto issued = issue();
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_EQ(ca.count("/new-order"), 1);
  EXPECT_NE((*issued)->key().public_der(), other) << "the key is the order's";
}

INSTANTIATE_TEST_SUITE_P(OpenOrder, CutOff,
                         testing::Values("/authorization/", "/challenge/", "/finalize/",
                                         "/certificate/"));

TEST_F(OpenOrderTest, GoesWhenItsCertificateIsSafe) {
  ASSERT_TRUE(time.run(issuer().issue(IssueRequest({"a.test"}, key, soon()))));
  EXPECT_TRUE(kept());
  time.run(issuer().forget_order("a.test"));
  EXPECT_FALSE(kept());
}

TEST_F(OpenOrderTest, ThatTheCaDoesNotKnowAnyMoreIsForgotten) {
  cut_off("/finalize/");
  reply = FakeCa::problem(404, "malformed", "no such order");
  broken_path = "/order/0";
  broken = true;
  const auto issued = issue();
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_EQ(ca.count("/new-order"), 2);
}

TEST_F(OpenOrderTest, ThatHasFailedIsForgotten) {
  ca.decide = [](const std::string&, const std::string&) { return "caa"; };
  EXPECT_FALSE(issue());
  EXPECT_FALSE(kept());
}

TEST_F(OpenOrderTest, IsKeptWhileTheCaIsInTrouble) {
  cut_off("/finalize/");
  broken_path = "/order/";
  broken = true;
  EXPECT_FALSE(issue());
  broken = false;
  EXPECT_TRUE(issue());
  EXPECT_EQ(ca.count("/new-order"), 1);
}

TEST_F(OpenOrderTest, OfTheCertificateThatIsReplacedIsNotTakenUp) {
  const auto first = time.run(issuer().issue(IssueRequest({"a.test"}, key, soon())));
  ASSERT_TRUE(first) << why(first);
  EXPECT_TRUE(kept());
  IssueRequest request({"a.test"}, key, soon());
  request.replaces = *first;
  const auto next = time.run(issuer().issue(std::move(request)));
  ASSERT_TRUE(next) << why(next);
  EXPECT_NE((*next)->leaf().serial, (*first)->leaf().serial);
}

TEST_F(OpenOrderTest, ForOtherNamesIsNotTakenUp) {
  cut_off("/finalize/");
  const auto issued = issue({"a.test", "b.test"});
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_TRUE((*issued)->covers("b.test"));
  EXPECT_EQ(ca.count("/new-order"), 2);
}

TEST_F(OpenOrderTest, ForAnotherKindOfKeyIsNotTakenUp) {
  cut_off("/finalize/");
  key = *tls::PrivateKey::generate(tls::KeyType::kP384);
  ASSERT_TRUE(issue());
  EXPECT_EQ(ca.count("/new-order"), 2);
}

TEST_F(OpenOrderTest, ThatIsDamagedIsSetAside) {
  cut_off("/finalize/");
  storage.held().records[key_of_order()] = "{\"version\": 1}";
  ASSERT_TRUE(issue());
  EXPECT_EQ(ca.count("/new-order"), 2);
  EXPECT_TRUE(storage.held().aside.contains(key_of_order()));
}

TEST(OpenOrder, ComesBackAsItWas) {
  OpenOrder order;
  order.url = "https://ca.test/order/1";
  order.account = "https://ca.test/account/1";
  order.profile = "shortlived";
  order.names = {"a.example", "2001:db8::1"};
  order.key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  const auto read = parse_open_order(to_text(order));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->url, order.url);
  EXPECT_EQ(read->account, order.account);
  EXPECT_EQ(read->profile, order.profile);
  EXPECT_EQ(read->names, order.names);
  EXPECT_EQ(read->key.public_der(), order.key.public_der());
}

}  // namespace
}  // namespace gatehouse::certs::open_order_test
