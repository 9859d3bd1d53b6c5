// What of an order a CA need not take, and which of its chains is served.
#include "certs/placement.h"

#include <gmock/gmock.h>

#include "certs/chain_choice.h"
#include "tests/certs/acme_house.h"

namespace gatehouse::certs::placement_test {
namespace {

using acme::FakeCa;
using acme::ScriptReply;
using acme::ScriptRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Profiles : public AcmeHouse {
 protected:
  Profiles() { ca.meta["profiles"] = {{"classic", "as ever"}, {"shortlived", "six days"}}; }

  Issued order(const std::string& profile, bool required) {
    AcmeOptions wanted = options();
    wanted.profile = profile;
    wanted.profile_required = required;
    issuer_ = std::make_unique<AcmeIssuer>(parts(), wanted);
    return issue();
  }
  std::vector<std::string> ordered() {
    std::vector<std::string> out;
    for (const ScriptRequest& request : ca.requests()) {
      if (request.path != "/new-order") continue;
      out.push_back(FakeCa::payload_of(request).value("profile", "none"));
    }
    return out;
  }
};

TEST_F(Profiles, AreOrderedByName) {
  EXPECT_TRUE(order("shortlived", true));
  EXPECT_THAT(ordered(), ElementsAre("shortlived"));
}

TEST_F(Profiles, ThatTheCaDoesNotHaveAreAnErrorThatNamesThoseThatItHas) {
  const auto issued = order("longlived", true);
  ASSERT_FALSE(issued);
  EXPECT_THAT(why(issued), HasSubstr("no profile \"longlived\""));
  EXPECT_THAT(why(issued), HasSubstr("classic, shortlived"));
  EXPECT_TRUE(issued.error().lasting);
  EXPECT_THAT(ordered(), ElementsAre());
}

TEST_F(Profiles, ThatAreOnlyPreferredAreLeftOutWhereTheCaDoesNotHaveThem) {
  EXPECT_TRUE(order("longlived", false));
  EXPECT_THAT(ordered(), ElementsAre("none"));
}

TEST_F(Profiles, ThatAreOnlyPreferredAreLeftOutWhenTheCaRefusesThem) {
  script("/new-order", FakeCa::problem(403, "invalidProfile", "not for you"), 1);
  EXPECT_TRUE(order("shortlived", false));
  EXPECT_THAT(ordered(), ElementsAre("shortlived", "none"));
}

TEST_F(Profiles, ThatAreRequiredAreNotLeftOut) {
  script("/new-order", FakeCa::problem(403, "invalidProfile", "not for you"), 1);
  const auto issued = order("shortlived", true);
  ASSERT_FALSE(issued);
  EXPECT_THAT(why(issued), HasSubstr("not for you"));
}

class Chains : public AcmeHouse {
 protected:
  Chains() {
    ca.alternate = [this](const std::string& csr, std::vector<std::string> names) {
      return other.sign_request(csr, std::move(names));
    };
  }
  std::string top(const std::string& preferred) {
    AcmeOptions wanted = options();
    wanted.preferred_chain = preferred;
    issuer_ = std::make_unique<AcmeIssuer>(parts(), wanted);
    const auto issued = issue();
    return issued ? top_issuer(**issued) : why(issued);
  }
  TestAuthority other{"Other Root"};
};

TEST_F(Chains, AreTheCasOwnChoiceWhereNothingIsPreferred) {
  EXPECT_EQ(top(""), "Test Root");
  EXPECT_EQ(ca.count("/alternate/"), 0);
}

TEST_F(Chains, EndAtThePreferredRoot) {
  EXPECT_EQ(top("Other Root"), "Other Root");
  EXPECT_EQ(top("Test Root"), "Test Root");
}

TEST_F(Chains, AreTheCasOwnChoiceWhereNoneIsAsPreferred) {
  EXPECT_EQ(top("Third Root"), "Test Root");
}

TEST_F(Chains, AreNotLostWithAnotherThatCannotBeHad) {
  script("/alternate/", FakeCa::problem(404, "malformed", "gone"));
  EXPECT_EQ(top("Other Root"), "Test Root");
}

TEST_F(Chains, AreAsSmallAsCanBe) {
  // With its root twice, the CA's own is longer.
  ca.sign = [this](const std::string& csr, std::vector<std::string> names) {
    return authority.sign_request(csr, std::move(names)) + authority.pem();
  };
  EXPECT_EQ(top("smallest"), "Other Root");
}

TEST_F(Profiles, ThatAreOnlyPreferredAreLeftOutWhenTheCaRefusesForAReasonOfItsOwn) {
  script("/new-order", FakeCa::problem(403, "urn:example:profileNotForYou", "not for you"), 1);
  EXPECT_TRUE(order("shortlived", false));
  EXPECT_THAT(ordered(), ElementsAre("shortlived", "none"));
}

TEST_F(Profiles, AndThePredecessorAreLeftOutOneByOne) {
  ca.renewal = [](const std::string&) { return ScriptReply(404); };
  script("/new-order", FakeCa::problem(400, "malformed", "not like this"), 2);
  AcmeOptions wanted = options();
  wanted.profile = "shortlived";
  wanted.profile_required = false;
  issuer_ = std::make_unique<AcmeIssuer>(parts(), wanted);
  IssueRequest request({"a.test"}, key, soon());
  const tls::PrivateKey own = *tls::PrivateKey::generate(tls::KeyType::kP256);
  request.replaces = *tls::Certificate::make(authority.sign(own, {"a.test"}), own);
  const auto issued = time.run(issuer().issue(std::move(request)));
  EXPECT_TRUE(issued) << why(issued);
  EXPECT_THAT(ordered(), ElementsAre("shortlived", "shortlived", "none"));
}

}  // namespace
}  // namespace gatehouse::certs::placement_test
