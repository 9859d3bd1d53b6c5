#include "certs/acme_issuer.h"

#include <gmock/gmock.h>

#include <atomic>

#include "tests/certs/acme_house.h"

namespace gatehouse::certs::acme_issuer_test {
namespace {

using acme::FakeCa;
using acme::ScriptReply;
using acme::ScriptRequest;
using base::Code;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using AcmeIssuerTest = AcmeHouse;

TEST_F(AcmeIssuerTest, ObtainsACertificateForItsNames) {
  const auto issued = issue({"a.test", "b.test"});
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_TRUE((*issued)->covers("a.test"));
  EXPECT_TRUE((*issued)->covers("b.test"));
  EXPECT_EQ((*issued)->key().public_der(), key.public_der());
  EXPECT_EQ((*issued)->chain().size(), 2u);
  EXPECT_THAT(ca.validations(), ElementsAre("tls-alpn-01 a.test", "tls-alpn-01 b.test"));
}

TEST_F(AcmeIssuerTest, TheAnswerStandsWhenTheCaIsToldToLookAndIsRemovedAfterIt) {
  bool stood = false;
  ca.decide = [&](const std::string&, const std::string& name) {
    stood = challenges.find_tls_alpn(name) != nullptr;
    return "";
  };
  ASSERT_TRUE(issue());
  EXPECT_TRUE(stood);
  EXPECT_EQ(challenges.find_tls_alpn("a.test"), nullptr);
}

TEST_F(AcmeIssuerTest, AnswersHttp01WithTheKeyAuthorization) {
  AcmeOptions http = options();
  http.challenges = {acme::ChallengeType::kHttp01};
  AcmeIssuer other(parts(), http);
  std::optional<std::string> answer;
  const std::string token = acme::base64url("a token for http-01 number 0");
  ca.decide = [&](const std::string&, const std::string&) {
    answer = challenges.find_http(token);
    return "";
  };
  ASSERT_TRUE(time.run(other.issue(IssueRequest({"a.test"}, key, soon()))));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->starts_with(token + "."));
  EXPECT_EQ(answer->size(), token.size() + 1 + 43);
  EXPECT_EQ(challenges.find_http(token), std::nullopt);
}

TEST_F(AcmeIssuerTest, AFailedChallengeMakesWayForTheNextTypeInANewOrder) {
  ca.decide = [](const std::string& type, const std::string&) {
    return type == "tls-alpn-01" ? "connection" : "";
  };
  const auto issued = issue();
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_EQ(ca.count("/new-order"), 2);
  EXPECT_THAT(ca.validations(), ElementsAre("tls-alpn-01 a.test", "http-01 a.test"));
}

TEST_F(AcmeIssuerTest, RemembersWhichTypeWorks) {
  ca.decide = [](const std::string& type, const std::string&) {
    return type == "tls-alpn-01" ? "tls" : "";
  };
  ASSERT_TRUE(issue());
  ASSERT_TRUE(issue());
  ASSERT_TRUE(issue({"b.test"}));
  EXPECT_THAT(ca.validations(), ElementsAre("tls-alpn-01 a.test", "http-01 a.test",
                                            "http-01 a.test", "http-01 b.test"));
}

TEST_F(AcmeIssuerTest, SaysWhyEachChallengeFailed) {
  ca.decide = [](const std::string& type, const std::string&) {
    return type == "tls-alpn-01" ? "connection" : "unauthorized";
  };
  const auto issued = issue();
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().error.side, base::Side::kCa);
  EXPECT_FALSE(issued.error().lasting);
  EXPECT_THAT(why(issued), HasSubstr("http-01 for a.test: unauthorized"));
  EXPECT_THAT(why(issued), HasSubstr("tls-alpn-01 for a.test: connection"));
  EXPECT_EQ(ca.count("/new-order"), 2);
  EXPECT_EQ(challenges.find_tls_alpn("a.test"), nullptr);
}

TEST_F(AcmeIssuerTest, DoesNotTryAnotherTypeWhereNoneCouldHelp) {
  ca.decide = [](const std::string&, const std::string&) { return "caa"; };
  const auto issued = issue();
  ASSERT_FALSE(issued);
  EXPECT_TRUE(issued.error().lasting);
  EXPECT_EQ(ca.count("/new-order"), 1);
}

TEST_F(AcmeIssuerTest, SaysWhichChallengesItWouldNeed) {
  ca.challenge_types = {"dns-01", "dns-persist-01"};
  const auto issued = issue();
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().error.code, Code::kUnsupported);
  EXPECT_THAT(why(issued), HasSubstr("dns-01"));
  EXPECT_THAT(why(issued), HasSubstr("tls-alpn-01"));
  EXPECT_TRUE(issued.error().lasting);
}

TEST_F(AcmeIssuerTest, WaitsWhileTheOrderIsProcessed) {
  ca.processing_looks = 2;
  ASSERT_TRUE(issue());
}

TEST_F(AcmeIssuerTest, SurvivesStormsOfBadNoncesAndServerErrors) {
  ca.bad_nonces = 7;
  ASSERT_TRUE(issue());
  script("/finalize/", ScriptReply(503, "<html>busy</html>"), 2);
  const auto issued = issue();
  EXPECT_TRUE(issued) << why(issued);
}

TEST_F(AcmeIssuerTest, SaysNotBeforeWhenTheCaLimits) {
  script("/new-order",
         FakeCa::problem(429, "rateLimited", "too many certificates").with("Retry-After", "3600"));
  const auto before = base::Clock::now();
  const auto issued = issue();
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().error.code, Code::kOverload);
  EXPECT_FALSE(issued.error().lasting);
  EXPECT_GE(issued.error().not_before.at(), before + std::chrono::hours(1));
  EXPECT_THAT(why(issued), HasSubstr("too many certificates"));
}

TEST_F(AcmeIssuerTest, NamesNoMomentWhenTheCaDidNot) {
  script("/new-order", FakeCa::problem(403, "rejectedIdentifier", "forbidden by policy"));
  const auto issued = issue();
  ASSERT_FALSE(issued);
  EXPECT_TRUE(issued.error().lasting);
  EXPECT_EQ(issued.error().not_before.at(), base::TimePoint::min());
}

class Replacing : public AcmeIssuerTest {
 protected:
  Replacing() {
    ca.renewal = [](const std::string&) { return ScriptReply(404); };
    auto first = issue();
    EXPECT_TRUE(first) << why(first);
    if (first) before = *first;
  }
  Issued renew() {
    IssueRequest request({"a.test"}, key, soon());
    request.replaces = before;
    auto issued = time.run(issuer().issue(std::move(request)));
    time.run(issuer().forget_order("a.test"));
    return issued;
  }
  // What `replaces` was in each newOrder since the first.
  std::vector<std::string> replaced() {
    std::vector<std::string> out;
    for (const ScriptRequest& request : ca.requests()) {
      if (request.path != "/new-order") continue;
      out.push_back(FakeCa::payload_of(request).value("replaces", ""));
    }
    out.erase(out.begin());
    return out;
  }
  void refuse(const std::string& token, int status) {
    script("/new-order", FakeCa::problem(status, token, "no"), 1);
  }

  tls::CertificateRef before;
};

TEST_F(Replacing, IsGivenUpWhereTheCaStumblesOverThePredecessor) {
  const auto err = [this](std::string detail) {
    ca.intercept = [detail = std::move(detail)](const ScriptRequest& request,
                                                const auto& payload) -> std::optional<ScriptReply> {
      if (request.path != "/new-order" || !payload.contains("replaces")) return std::nullopt;
      return FakeCa::problem(500, "serverInternal", detail);
    };
  };
  err("out of order");
  EXPECT_FALSE(renew()) << "that is other trouble";
  err("could not find an order for the given certificate");
  EXPECT_TRUE(renew());
}

TEST_F(Replacing, TellsTheCaWhichCertificateIsReplaced) {
  const auto issued = renew();
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_EQ(replaced(), std::vector<std::string>{acme::certificate_id(before->leaf())});
}

TEST_F(Replacing, SaysNothingOfItToACaWithoutRenewalInformation) {
  ca.renewal = nullptr;
  issuer_.reset();  // and with it the directory that it knew
  ASSERT_TRUE(renew());
  EXPECT_EQ(replaced(), std::vector<std::string>{""});
}

TEST_F(Replacing, OrdersOnceMoreWithoutItWhenTheCaRefuses) {
  for (const char* token : {"alreadyReplaced", "unauthorized", "malformed", "conflict", "odd"}) {
    const std::size_t orders = replaced().size();
    refuse(token, 403);
    const auto issued = renew();
    ASSERT_TRUE(issued) << token << ": " << why(issued);
    ASSERT_EQ(replaced().size(), orders + 2) << token;
    EXPECT_EQ(replaced().back(), "") << token;
  }
}

TEST_F(Replacing, DoesNotOrderAgainForWhatIsNotAboutIt) {
  for (const char* token : {"rateLimited", "rejectedIdentifier", "userActionRequired"}) {
    const std::size_t orders = replaced().size();
    refuse(token, 403);
    EXPECT_FALSE(renew()) << token;
    EXPECT_EQ(replaced().size(), orders + 1) << token;
  }
}

TEST_F(AcmeIssuerTest, ReportsAnOrderThatBecomesInvalid) {
  script("/order/", ScriptReply(200, R"({"status":"invalid","error":
      {"type":"urn:ietf:params:acme:error:caa","detail":"CAA forbids"}})"));
  ca.processing_looks = 1;
  const auto issued = issue();
  ASSERT_FALSE(issued);
  EXPECT_THAT(why(issued), HasSubstr("CAA forbids"));
  EXPECT_TRUE(issued.error().lasting);
}

TEST_F(AcmeIssuerTest, LooksAgainWhenTheOrderIsNotReady) {
  script("/finalize/", FakeCa::problem(403, "orderNotReady", "a moment"), 1);
  const auto issued = issue();
  EXPECT_TRUE(issued) << why(issued);
  EXPECT_EQ(ca.count("/finalize/"), 2);
}

TEST_F(AcmeIssuerTest, FinalizesAnOrderThatIsReadyAtOnce) {
  bool first = true;
  ca.intercept = [&](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    // As if every authorization had been valid before.
    if (request.path != "/new-order" || !first) return std::nullopt;
    first = false;
    return ScriptReply(201, R"({"status":"ready","finalize":")" + ca.url("/own-finalize") + "\"}")
        .with("Location", ca.url("/own-order"));
  };
  const auto issued = issue();
  ASSERT_FALSE(issued);  // nobody answers there, but it was asked
  EXPECT_EQ(ca.count("/own-finalize"), 1);
  EXPECT_EQ(ca.count("/authorization/"), 0);
}

TEST_F(AcmeIssuerTest, RefusesACertificateForAnotherKey) {
  const auto stranger = *tls::PrivateKey::generate(tls::KeyType::kP256);
  ca.sign = [&](const std::string&, std::vector<std::string> names) {
    return authority.sign(stranger, std::move(names));
  };
  const auto issued = issue();
  ASSERT_FALSE(issued);
  EXPECT_THAT(why(issued), HasSubstr("not what was ordered"));
}

TEST_F(AcmeIssuerTest, RefusesACertificateForOtherNames) {
  ca.sign = [&](const std::string& csr, std::vector<std::string>) {
    return authority.sign_request(csr, {"b.test"});
  };
  const auto issued = issue();
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().error.side, base::Side::kCa);
}

TEST_F(AcmeIssuerTest, RefusesAChainWhoseLinksDoNotFit) {
  const TestAuthority stranger;
  ca.sign = [&](const std::string& csr, std::vector<std::string> names) {
    const std::string chain = authority.sign_request(csr, std::move(names));
    return chain.substr(0, chain.find(authority.pem())) + stranger.pem();
  };
  EXPECT_FALSE(issue());
}

TEST_F(AcmeIssuerTest, RegistersAgainWhenTheCaHasLostTheAccount) {
  ASSERT_TRUE(issue());
  ca.forget_accounts();
  const auto issued = issue();
  EXPECT_TRUE(issued) << why(issued);
  EXPECT_EQ(ca.count("/new-account"), 2);
}

TEST_F(AcmeIssuerTest, RegistersAgainOnceOnly) {
  script("/new-order", FakeCa::problem(400, "accountDoesNotExist"));
  EXPECT_FALSE(issue());
  EXPECT_EQ(ca.count("/new-order"), 2);
}

// Answers of a CA gone wrong, each in the place of one resource.
struct Oddity {
  const char* path;
  int status;
  const char* body;
};

class OddCa : public AcmeHouse, public ::testing::WithParamInterface<Oddity> {};

TEST_P(OddCa, EndsTheOrderWithAClearError) {
  const Oddity odd = GetParam();
  script(odd.path, ScriptReply(odd.status, odd.body).with("Location", ca.url("/order/0")));
  const auto issued = issue();
  ASSERT_FALSE(issued);
  EXPECT_FALSE(why(issued).empty());
  EXPECT_EQ(issued.error().error.side, base::Side::kCa);
  EXPECT_EQ(challenges.find_tls_alpn("a.test"), nullptr);
}

INSTANTIATE_TEST_SUITE_P(
    Answers, OddCa,
    ::testing::Values(
        Oddity{"/dir", 200, "{}"}, Oddity{"/dir", 404, "<html>"},
        Oddity{"/new-order", 201, R"({"status":"pending"})"},
        Oddity{"/new-order", 201, R"({"status":"pending","authorizations":[]})"},
        Oddity{"/new-order", 201, R"({"status":"pending","authorizations":["gopher://x/"]})"},
        Oddity{"/new-order", 201, R"({"status":"pending","authorizations":["http://evil.test/"]})"},
        Oddity{"/new-order", 201, R"({"status":"ready"})"},
        Oddity{"/new-order", 201, R"({"status":"valid"})"},
        Oddity{"/new-order", 201, R"({"status":"no such status"})"},
        Oddity{"/new-order", 201, "[]"}, Oddity{"/new-order", 200, ""},
        Oddity{"/authorization/", 200, "{}"},
        Oddity{"/authorization/", 200,
               R"({"status":"pending","identifier":{"value":"stranger.test"}})"},
        Oddity{"/authorization/", 200, R"({"status":"expired","identifier":{"value":"a.test"}})"},
        Oddity{"/challenge/", 400, R"({"type":"urn:ietf:params:acme:error:malformed"})"},
        Oddity{"/finalize/", 400, R"({"type":"urn:ietf:params:acme:error:badCSR"})"},
        Oddity{"/order/", 200, R"({"status":"valid"})"}, Oddity{"/certificate/", 200, ""},
        Oddity{"/certificate/", 200, "<html>"},
        Oddity{"/certificate/", 200,
               "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}));

TEST_F(AcmeIssuerTest, EndsByItsDeadlineWhenTheCaNeverDecides) {
  script("/order/", ScriptReply(200, R"({"status":"processing"})"));
  IssueRequest request({"a.test"}, key, base::Deadline::in(base::Duration(1'500)));
  const auto issued = time.run(issuer().issue(std::move(request)));
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().error.code, Code::kTimeout);
}

base::Task<int> issue_many(base::Loop& loop, AcmeIssuer& issuer, tls::PrivateKey key, int count) {
  int ended = 0;
  int good = 0;
  base::Event all(loop);
  auto one = [](AcmeIssuer& i, tls::PrivateKey k, std::string name, int total, int& e, int& g,
                base::Event& a) -> base::Task<void> {
    std::vector<std::string> names(1, name);
    IssueRequest request(names, k, base::Deadline::in(base::Duration(60'000)));
    auto issued = co_await i.issue(std::move(request));
    if (issued) ++g;
    if (++e == total) a.set();
  };
  for (int i = 0; i < count; ++i) {
    loop.spawn(one(issuer, key, "n" + std::to_string(i) + ".test", count, ended, good, all), "one");
  }
  auto waited = co_await all.wait();
  co_return good;
}

TEST_F(AcmeIssuerTest, ManyOrdersAtOnceShareOneAccountAndOneDirectory) {
  EXPECT_EQ(time.run(issue_many(loop, issuer(), key, 40)), 40);
  EXPECT_EQ(ca.count("/new-account"), 1);
  EXPECT_EQ(ca.count("/dir"), 1);
  EXPECT_EQ(ca.count("/new-order"), 40);
}

TEST_F(AcmeIssuerTest, ReportsATrustFileThatIsMissing) {
  AcmeOptions with_file = options();
  with_file.ca_file = "/nonexistent/ca.pem";
  AcmeIssuer other(parts(), with_file);
  const auto issued = time.run(other.issue(IssueRequest({"a.test"}, key, soon())));
  ASSERT_FALSE(issued);
  EXPECT_THAT(why(issued), HasSubstr("/nonexistent/ca.pem"));
}

TEST_F(AcmeIssuerTest, RefusesADirectoryWithoutTls) {
  AcmeOptions plain = options();
  plain.directory = "http://ca.example.com/directory";
  AcmeIssuer other(parts(), plain);
  const auto issued = time.run(other.issue(IssueRequest({"a.test"}, key, soon())));
  ASSERT_FALSE(issued);
  EXPECT_THAT(why(issued), HasSubstr("https"));
}

TEST(IssuerId, IsOneSegmentOfAKey) {
  EXPECT_EQ(issuer_id_of("https://acme-v02.api.letsencrypt.org/directory"),
            "acme-v02.api.letsencrypt.org-directory");
  EXPECT_EQ(issuer_id_of("https://CA.test:14000/dir?x=1"), "ca.test-14000-dir-x-1");
  EXPECT_EQ(issuer_id_of("https://../.."), "ca..-..");
  EXPECT_EQ(issuer_id_of(""), "ca");
  EXPECT_LE(issuer_id_of("https://" + std::string(1000, 'a')).size(), 128u);
  for (const char* url : {"https://a.test/x", "https://../..", "https://[::1]:1/\xff"}) {
    EXPECT_TRUE(storage::is_key("accounts/" + issuer_id_of(url) + "/default")) << url;
  }
}

TEST_F(AcmeIssuerTest, RemembersWhichTypeWorksOverARestart) {
  ca.decide = [](const std::string& type, const std::string&) {
    return type == "tls-alpn-01" ? "tls" : "";
  };
  ASSERT_TRUE(issue());
  issuer_.reset();
  ASSERT_TRUE(issue());
  EXPECT_THAT(ca.validations(),
              ElementsAre("tls-alpn-01 a.test", "http-01 a.test", "http-01 a.test"));
}

TEST_F(AcmeIssuerTest, ForgetsAnOddTypeOnceTheUsualOneWorks) {
  std::atomic<bool> by_http = true;
  ca.decide = [&](const std::string& type, const std::string&) {
    return (type == "http-01") == by_http ? "" : "tls";
  };
  ASSERT_TRUE(issue());
  const std::string memory = "challenges/" + issuer().id() + "/a.test";
  EXPECT_TRUE(storage.held().records.contains(memory));
  issuer_.reset();
  by_http = false;
  ASSERT_TRUE(issue());
  EXPECT_FALSE(storage.held().records.contains(memory));
}

}  // namespace
}  // namespace gatehouse::certs::acme_issuer_test
