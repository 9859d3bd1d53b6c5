// What our own listeners say before a CA is told to look.
#include "certs/rehearsal.h"

#include <gmock/gmock.h>

#include "tests/base/skipped_time.h"
#include "tests/base/socket_pair.h"
#include "tests/certs/acme_house.h"
#include "tests/certs/tls_alpn_responder.h"
#include "tls/x509.h"

namespace gatehouse::certs::rehearsal_test {
namespace {

using acme::ScriptReply;
using acme::ScriptRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

base::Endpoint at(int port) {
  return *base::Endpoint::from_ip("127.0.0.1", static_cast<std::uint16_t>(port));
}

int port_in(const std::string& url) { return std::stoi(url.substr(url.rfind(':') + 1)); }

struct RehearsalTest : AcmeHouse {
  ScriptReply answer_http(const ScriptRequest& request) {
    constexpr std::string_view kPath = "/.well-known/acme-challenge/";
    if (!request.path.starts_with(kPath)) return ScriptReply(404);
    const auto answer = challenges.find_http(request.path.substr(kPath.size()));
    return answer ? ScriptReply(200, *answer) : ScriptReply(404);
  }
  Issued issue_with(std::vector<OwnListener> listeners, bool preflight = true) {
    AcmeOptions with = options();
    with.listeners = std::move(listeners);
    with.preflight = preflight;
    AcmeIssuer issuer(parts(), std::move(with));
    return run_task(loop, issuer.issue(IssueRequest({"a.test"}, key, soon())));
  }
  template <class T>
  static base::Task<base::Result<T>> as_result(base::Task<T> task) {
    co_return co_await std::move(task);
  }
  std::string rehearse_http(Rehearsal& rehearsal) {
    return *run_task(loop, as_result(rehearsal.http("a.test", "token", "token.thumbprint")));
  }

  acme::ScriptServer plain{[this](const ScriptRequest& r) { return answer_http(r); }};
  OwnListener http{at(port_in(plain.url(""))), false};
  TlsAlpnResponder responder{challenges};
  OwnListener https{at(responder.port()), true};
  OwnListener no_https{at(free_port()), true};
  OwnListener no_http{at(free_port()), false};
};

TEST_F(RehearsalTest, TheCaIsToldWhenOurOwnListenersAnswer) {
  ASSERT_TRUE(issue_with({https, http}));
  EXPECT_THAT(ca.validations(), ElementsAre("tls-alpn-01 a.test"));
}

TEST_F(RehearsalTest, ATypeThatTheyDoNotAnswerMakesWayInTheSameOrder) {
  const auto issued = issue_with({no_https, http});
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_THAT(ca.validations(), ElementsAre("http-01 a.test"));
  EXPECT_EQ(ca.count("/new-order"), 1);
}

TEST_F(RehearsalTest, OneListenerThatAnswersIsEnough) {
  ASSERT_TRUE(issue_with({no_https, https}));
  EXPECT_THAT(ca.validations(), ElementsAre("tls-alpn-01 a.test"));
}

TEST_F(RehearsalTest, WhereNoneAnswersNoValidationIsSpentNorAnotherOrder) {
  for (int i = 0; i < 2; ++i) {
    const auto issued = issue_with({no_https, no_http});
    ASSERT_FALSE(issued);
    EXPECT_EQ(issued.error().error.side, base::Side::kLocal);
    EXPECT_FALSE(issued.error().whole_issuer || issued.error().of_challenge);
    EXPECT_THAT(why(issued), HasSubstr("tls-alpn-01 for a.test: acme-tls/1 was asked for at"));
    EXPECT_THAT(why(issued), HasSubstr(no_https.at.text()));
    EXPECT_THAT(why(issued), HasSubstr("http-01 for a.test: http://a.test/.well-known/acme"));
  }
  EXPECT_THAT(ca.validations(), IsEmpty());
  EXPECT_EQ(ca.count("/new-order"), 1) << "the next try takes it up";
  ASSERT_TRUE(issue_with({https, http}));
  EXPECT_EQ(ca.count("/new-order"), 1);
}

TEST_F(RehearsalTest, WhoWantsNoPreflightHasNone) {
  ASSERT_TRUE(issue_with({no_https, no_http}, false));
  EXPECT_THAT(ca.validations(), ElementsAre("tls-alpn-01 a.test"));
}

TEST_F(RehearsalTest, AnotherAnswerIsNone) {
  Rehearsal rehearsal(loop, {http}, {});
  EXPECT_THAT(rehearse_http(rehearsal), HasSubstr("answered with status 404"));
  ASSERT_TRUE(challenges.put_http("token", "token.of another account"));
  EXPECT_THAT(rehearse_http(rehearsal), HasSubstr("answered with another body"));
  challenges.remove_http("token");
  ASSERT_TRUE(challenges.put_http("token", "token.thumbprint"));
  EXPECT_EQ(rehearse_http(rehearsal), "");
}

TEST_F(RehearsalTest, AnotherCertificateIsNoAnswer) {
  const auto other = tls::challenge_certificate("a.test", "other", key).value();
  const auto wanted = tls::challenge_certificate("a.test", "wanted", key).value();
  Rehearsal rehearsal(loop, {https}, {});
  ASSERT_TRUE(challenges.put_tls_alpn("a.test", other));
  EXPECT_THAT(*run_task(loop, as_result(rehearsal.tls_alpn("a.test", wanted))),
              HasSubstr("showed another certificate"));
  EXPECT_EQ(*run_task(loop, as_result(rehearsal.tls_alpn("a.test", other))), "");
}

TEST_F(RehearsalTest, AListenerThatWantsAProxyHeaderGetsOne) {
  std::string first;
  acme::ScriptServer behind_proxy([&](const ScriptRequest& request) {
    first = request.method;
    return ScriptReply(200, "token.thumbprint");
  });
  const OwnListener listener(at(port_in(behind_proxy.url(""))), false);
  Rehearsal rehearsal(loop, {listener}, {*base::IpRange::parse("127.0.0.0/8")});
  EXPECT_EQ(rehearse_http(rehearsal), "");
  EXPECT_EQ(first, "PROXY");
}

TEST_F(RehearsalTest, SilenceForAWhileForbidsNothing) {
  base::SkippedTime time(loop, blocking);
  auto silent = base::listen_on_loopback(loop);
  Rehearsal rehearsal(loop, {OwnListener(silent.local(), false)}, {});
  EXPECT_EQ(time.run(rehearsal.http("a.test", "token", "token.thumbprint")), "");
}

TEST_F(RehearsalTest, AFailureAtTheCaSaysWhereOurListenersAreInstead) {
  ca.decide = [](const std::string&, const std::string&) { return "connection"; };
  const auto issued = issue_with({https, http});
  ASSERT_FALSE(issued);
  EXPECT_THAT(why(issued),
              HasSubstr("the CA comes to port 443, while gatehouse listens on " + https.at.text()));
  const Rehearsal usual(loop, {OwnListener(at(80), false), OwnListener(at(81), false)}, {});
  EXPECT_EQ(usual.elsewhere(false), "");
  EXPECT_EQ(usual.elsewhere(true), "") << "no listener, no challenge";
}

}  // namespace
}  // namespace gatehouse::certs::rehearsal_test
