// What DNS says against an order, before there is one.
#include "certs/preflight.h"

#include <gmock/gmock.h>

#include "tests/certs/acme_house.h"
#include "tests/certs/child_process.h"
#include "tests/dns/fake_server.h"

namespace gatehouse::certs::preflight_test {
namespace {

using ::testing::HasSubstr;

CaaSubject subject() {
  CaaSubject subject;
  subject.identities = {"ca.example", "other.example"};
  subject.account = "https://ca.example/account/1";
  subject.methods = {"http-01"};
  return subject;
}

std::string objection(const std::vector<std::string>& records, bool wildcard = false) {
  return caa_objection(records, wildcard, subject());
}

TEST(Caa, AllowsTheCaThatItNames) {
  EXPECT_EQ(objection({"0 issue ca.example"}), "");
  EXPECT_EQ(objection({"0 issue letsencrypt.org", "0 issue  Other.Example "}), "");
  EXPECT_EQ(objection({"0 ISSUE ca.example; x=y"}), "");
  EXPECT_EQ(objection({"0 iodef mailto:ops@example.com"}), "") << "restricts nobody";
}

TEST(Caa, ForbidsOthersAndSaysWhoMay) {
  EXPECT_EQ(objection({"0 issue letsencrypt.org", "0 issue pki.goog"}),
            "\"letsencrypt.org\" may sign, \"pki.goog\" may sign");
  EXPECT_EQ(objection({"0 issue ;"}), "nobody may sign");
  EXPECT_EQ(objection({"0 issue "}), "nobody may sign");
}

TEST(Caa, HasRulesOfItsOwnForWildcards) {
  const std::vector<std::string> records = {"0 issue ca.example", "0 issuewild ;"};
  EXPECT_EQ(objection(records), "");
  EXPECT_EQ(objection(records, true), "nobody may sign");
  EXPECT_EQ(objection({"0 issue ca.example"}, true), "") << "none of its own";
  EXPECT_EQ(objection({"0 issuewild letsencrypt.org"}), "") << "only for wildcards";
}

TEST(Caa, MayBindTheAccountAndTheProof) {
  EXPECT_EQ(objection({"0 issue ca.example; accounturi=https://ca.example/account/1"}), "");
  EXPECT_THAT(objection({"0 issue ca.example; accounturi=https://ca.example/account/2"}),
              HasSubstr("only the account https://ca.example/account/2"));
  EXPECT_EQ(objection({"0 issue ca.example; validationmethods=dns-01,http-01"}), "");
  EXPECT_THAT(objection({"0 issue ca.example; validationmethods=dns-01"}),
              HasSubstr("only dns-01 counts"));
}

TEST(Caa, ForbidsWhatIsCriticalAndUnknown) {
  EXPECT_EQ(objection({"0 future x", "0 issue ca.example"}), "");
  EXPECT_THAT(objection({"128 future x", "0 issue ca.example"}), HasSubstr("\"future\""));
}

struct PreflightTest : AcmeHouse {
  std::string object(const std::string& name, bool by_address = true) {
    Preflight preflight(loop, blocking, {server.endpoint()});
    const auto seen =
        run_task(loop, as_result(preflight.look(name, by_address, subject(), soon())));
    return seen->objection ? seen->objection->text() : "";
  }
  template <class T>
  static base::Task<base::Result<T>> as_result(base::Task<T> task) {
    co_return co_await std::move(task);
  }

  dns::FakeServer server;
};

TEST_F(PreflightTest, ObjectsToANameThatDnsDoesNotHaveOrHasNoAddressOf) {
  server.lack("gone.example");
  EXPECT_THAT(object("gone.example"), HasSubstr("NXDOMAIN"));
  EXPECT_THAT(object("a.example"), HasSubstr("neither an A nor an AAAA record"));
  EXPECT_EQ(object("a.example", false), "") << "dns-01 needs none";
  server.add("a.example", dns::Type::kA, dns::ip_data("192.0.2.1"));
  EXPECT_EQ(object("a.example"), "");
}

TEST_F(PreflightTest, ClimbsToTheFirstNameWithCaaRecords) {
  server.add("example", dns::Type::kCaa, dns::caa_data(0, "issue", "letsencrypt.org"));
  EXPECT_THAT(object("x.a.example", false), HasSubstr("the CAA records at example forbid it"));
  EXPECT_THAT(object("*.a.example", false), HasSubstr("for *.a.example"));
  server.add("a.example", dns::Type::kCaa, dns::caa_data(0, "issue", "ca.example"));
  EXPECT_EQ(object("x.a.example", false), "");
  EXPECT_THAT(object("b.example", false), HasSubstr("\"letsencrypt.org\" may sign"));
}

TEST_F(PreflightTest, TakesSilenceForNoObjection) {
  server.refuse();
  EXPECT_EQ(object("a.example"), "");
}

struct IssuerPreflightTest : PreflightTest {
  IssuerPreflightTest() { ca.meta["caaIdentities"] = {"ca.example"}; }

  Issued issue_at(std::vector<std::string> names, bool preflight = true) {
    AcmeOptions with = options();
    with.resolvers = {server.endpoint()};
    with.preflight = preflight;
    with.challenges = challenge_types;
    with.probe = probe;
    AcmeIssuer issuer(parts(), std::move(with));
    IssueRequest request(std::move(names), key, soon());
    request.urgency = urgency;
    return run_task(loop, issuer.issue(std::move(request)));
  }
  // "a.test" leads to an address that is none of this machine's, where `there` answers.
  void lead_elsewhere(acme::ScriptServer& there, bool any = true) {
    server.add("a.test", dns::Type::kA, dns::ip_data("127.0.0.9"));
    const std::string url = there.url("");
    probe.http = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
    probe.any = any;
    challenge_types = {acme::ChallengeType::kHttp01};
    urgency = Urgency::kBackground;
  }

  AcmeOptions::Probe probe;
  std::vector<acme::ChallengeType> challenge_types = AcmeOptions().challenges;
  Urgency urgency = Urgency::kHandshake;
};

TEST_F(IssuerPreflightTest, NothingIsOrderedThatIsKnownToFail) {
  server.lack("a.test");
  const auto issued = issue_at({"a.test"});
  ASSERT_FALSE(issued);
  EXPECT_THAT(issued.error().error.detail, HasSubstr("no order was placed: dns: a.test does not"));
  EXPECT_FALSE(issued.error().other_issuer) << "they would see the same";
  EXPECT_EQ(ca.count("/new-order"), 0);
  EXPECT_TRUE(issue_at({"a.test"}, false)) << "who does not want that is not looked after";
}

TEST_F(IssuerPreflightTest, AnotherIssuerIsAskedWhereCaaForbidsOne) {
  server.add("a.test", dns::Type::kA, dns::ip_data("192.0.2.1"));
  server.add("a.test", dns::Type::kCaa, dns::caa_data(0, "issue", "letsencrypt.org"));
  const auto issued = issue_at({"a.test"});
  ASSERT_FALSE(issued);
  EXPECT_TRUE(issued.error().other_issuer && issued.error().lasting);
  EXPECT_THAT(issued.error().advice, HasSubstr("CAA"));
  EXPECT_EQ(ca.count("/new-order"), 0);
}

TEST_F(IssuerPreflightTest, OfSeveralNamesEachThatWouldFailIsNamed) {
  server.add("a.test", dns::Type::kA, dns::ip_data("192.0.2.1"));
  const auto issued = issue_at({"a.test", "b.test"});
  ASSERT_FALSE(issued);
  ASSERT_EQ(issued.error().names.size(), 1u);
  EXPECT_EQ(issued.error().names.front().name, "b.test");
}

TEST_F(IssuerPreflightTest, NothingIsOrderedForANameThatLeadsToAnotherServer) {
  acme::ScriptServer there([](const acme::ScriptRequest&) { return acme::ScriptReply(404); },
                           "127.0.0.9");
  lead_elsewhere(there);
  const auto issued = issue_at({"a.test"});
  ASSERT_FALSE(issued);
  EXPECT_THAT(why(issued), HasSubstr("a.test resolves to 127.0.0.9, and what is there is not this "
                                     "gatehouse: 127.0.0.9:"));
  EXPECT_THAT(why(issued), HasSubstr("answered with status 404"));
  EXPECT_FALSE(issued.error().other_issuer) << "they would see the same";
  EXPECT_EQ(ca.count("/new-order"), 0);
  urgency = Urgency::kHandshake;
  EXPECT_TRUE(issue_at({"a.test"})) << "a visitor has come by the name";
}

TEST_F(IssuerPreflightTest, ANameThatLeadsHereByAnotherAddressIsOrdered) {
  acme::ScriptServer there(
      [this](const acme::ScriptRequest& request) {
        const auto token = request.path.substr(request.path.rfind('/') + 1);
        const auto answer = challenges.find_http(token);
        return answer ? acme::ScriptReply(200, *answer) : acme::ScriptReply(404);
      },
      "127.0.0.9");
  lead_elsewhere(there);
  const auto issued = issue_at({"a.test"});
  EXPECT_TRUE(issued) << why(issued);
}

TEST_F(IssuerPreflightTest, WhoSendsOnOrCannotBeAskedMayBeUs) {
  acme::ScriptServer there([](const acme::ScriptRequest&) { return acme::ScriptReply(308); },
                           "127.0.0.9");
  lead_elsewhere(there);
  EXPECT_TRUE(issue_at({"a.test"}));
  probe.http = static_cast<std::uint16_t>(free_port());
  EXPECT_TRUE(issue_at({"a.test"})) << "nobody listens";
}

TEST_F(IssuerPreflightTest, AnAddressThatNoCaCouldComeToSaysNothing) {
  acme::ScriptServer there([](const acme::ScriptRequest&) { return acme::ScriptReply(404); },
                           "127.0.0.9");
  lead_elsewhere(there, false);
  EXPECT_TRUE(issue_at({"a.test"}));
}

TEST_F(IssuerPreflightTest, ACaOfNoPublicKindSeesADnsOfItsOwn) {
  ca.meta.clear();
  server.lack("a.test");
  EXPECT_TRUE(issue_at({"a.test"}));
}

TEST_F(IssuerPreflightTest, AFailedChallengeSaysWhereTheNameLeads) {
  server.add("a.test", dns::Type::kA, dns::ip_data("192.0.2.1"));
  ca.decide = [](const std::string&, const std::string&) { return "connection"; };
  const auto issued = issue_at({"a.test"});
  ASSERT_FALSE(issued);
  EXPECT_THAT(issued.error().error.detail,
              HasSubstr("a.test resolves to 192.0.2.1, which is no address of this machine"));
}

}  // namespace
}  // namespace gatehouse::certs::preflight_test
