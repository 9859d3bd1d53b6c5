#include "tests/tls/ocsp_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "tls/ocsp_request.h"

namespace gatehouse::tls::ocsp_test {
namespace {

struct OcspTest : testing::Test {
  CertificateRef make_leaf(const TestCa& by) const {
    TestRequest request;
    request.names = {"a.example"};
    request.responder = "http://ocsp.example/x";
    return by.certificate(request);
  }
  // A responder to which `by` gave a certificate.
  struct Delegate {
    std::string pem;
    PrivateKey key;
  };
  static Delegate make_delegate(const TestCa& by, TestRequest request = for_ocsp()) {
    auto key = PrivateKey::generate(KeyType::kP256).value();
    request.common_name = "Responder";
    return Delegate{by.issue(request, key), key};
  }
  static TestRequest for_ocsp() {
    TestRequest request;
    request.purposes = "OCSPSigning";
    return request;
  }
  std::string by_delegate(const Delegate& delegate, OcspSaid said = {}) const {
    said.certificates = {delegate.pem};
    return OcspAnswers(delegate.pem, delegate.key).about(question, said);
  }
  base::Result<OcspAnswer> check(const std::string& response) const {
    return check_ocsp_response(response, question, now);
  }
  // Why it is not taken; empty when it is.
  std::string why(const std::string& response) const {
    const auto answer = check(response);
    return answer ? "" : answer.error().detail;
  }
  std::string why(const OcspSaid& said) const { return why(OcspAnswers(ca).about(question, said)); }

  const std::chrono::seconds hour = std::chrono::hours(1);
  base::WallTime now = base::wall_now();
  TestCa ca;
  CertificateRef leaf = make_leaf(ca);
  OcspQuestion question = ocsp_question(leaf->chain()).value();
};

using testing::HasSubstr;

TEST_F(OcspTest, ACertificateNamesItsResponderAndWhetherAStapleIsAMust) {
  EXPECT_EQ(leaf->leaf().responder, "http://ocsp.example/x");
  EXPECT_FALSE(leaf->leaf().must_staple);
  ASSERT_NE(leaf->staple(), nullptr);
  TestRequest request;
  request.names = {"a.example"};
  request.must_staple = true;
  const auto other = ca.certificate(request);
  EXPECT_EQ(other->leaf().responder, "");
  EXPECT_TRUE(other->leaf().must_staple);
  EXPECT_EQ(other->staple(), nullptr);
  request.responder = "https://ocsp.example";  // who would check that one's certificate?
  EXPECT_EQ(ca.certificate(request)->leaf().responder, "");
}

TEST_F(OcspTest, ARequestNamesTheCertificateAndFitsIntoAUrl) {
  const auto request = ocsp_request(question);
  const auto url = ocsp_url("http://ocsp.example", request);
  EXPECT_TRUE(url.starts_with("http://ocsp.example/MF")) << url;
  EXPECT_EQ(url.find_first_of("+="), std::string::npos);
  EXPECT_EQ(url.find('/', std::string("http://ocsp.example/").size()), std::string::npos);
  EXPECT_LT(url.size(), 255U);
  EXPECT_NE(request.find(question.serial), std::string::npos);
  EXPECT_NE(request.find(question.issuer_key_hash), std::string::npos);
}

TEST_F(OcspTest, ACertificateWhoseIssuerIsNotBehindItCannotBeAskedAbout) {
  const auto key = PrivateKey::generate(KeyType::kP256).value();
  TestRequest request;
  request.responder = "http://ocsp.example";
  const auto alone = Certificate::make(ca.issue(request, key), key).value();
  const auto asked = ocsp_question(alone->chain());
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, base::Code::kNotFound);
  const TestCa other;  // of the same name
  const auto wrong = Certificate::make(ca.issue(request, key) + other.pem(), key).value();
  EXPECT_FALSE(ocsp_question(wrong->chain()));
}

TEST_F(OcspTest, WhatTheCaSaysIsTaken) {
  OcspSaid said;
  const auto good = check(OcspAnswers(ca).about(question, said));
  ASSERT_TRUE(good) << good.error().detail;
  EXPECT_EQ(good->status, OcspStatus::kGood);
  EXPECT_EQ(good->this_update, said.this_update);
  EXPECT_EQ(good->until, *said.next_update);
  said.status = OcspStatus::kUnknown;
  EXPECT_EQ(check(OcspAnswers(ca).about(question, said))->status, OcspStatus::kUnknown);
  said.status = OcspStatus::kRevoked;
  EXPECT_EQ(check(OcspAnswers(ca).about(question, said))->status, OcspStatus::kRevoked);
  said.reason = 1;
  const auto revoked = check(OcspAnswers(ca).about(question, said));
  EXPECT_EQ(revoked->reason, "keyCompromise");
  EXPECT_EQ(revoked->revoked_at, said.this_update);
}

TEST_F(OcspTest, WhatADelegateOfTheCaSaysIsTakenUntilItsOwnCertificateEnds) {
  auto request = for_ocsp();
  request.not_after = now + 2 * hour;
  const auto good = check(by_delegate(make_delegate(ca, request)));
  ASSERT_TRUE(good) << good.error().detail;
  EXPECT_EQ(good->until, now + 2 * hour);
}

TEST_F(OcspTest, ADelegateThatTheCaDidNotMakeOneSaysNothing) {
  TestRequest none;
  EXPECT_THAT(why(by_delegate(make_delegate(ca, none))), HasSubstr("not for signing OCSP"));
  TestRequest server;
  server.purposes = "serverAuth";
  EXPECT_THAT(why(by_delegate(make_delegate(ca, server))), HasSubstr("not for signing OCSP"));
  const TestCa other;  // of the same name
  EXPECT_THAT(why(by_delegate(make_delegate(other))), HasSubstr("not signed by the CA"));
  auto expired = for_ocsp();
  expired.not_after = now;
  EXPECT_THAT(why(by_delegate(make_delegate(ca, expired))), HasSubstr("not valid now"));
  auto later = for_ocsp();
  later.not_before = now + hour;
  EXPECT_THAT(why(by_delegate(make_delegate(ca, later))), HasSubstr("not valid now"));
}

TEST_F(OcspTest, AnIntermediateBelowTheIssuerIsNoDelegateForIt) {
  // Signed by the delegate of a CA that the issuer has signed.
  const TestCa below(ca, "Below");
  const auto delegate = make_delegate(below);
  OcspSaid said;
  said.certificates = {delegate.pem, below.pem()};
  EXPECT_NE(why(OcspAnswers(delegate.pem, delegate.key).about(question, said)), "");
}

TEST_F(OcspTest, WhatSomebodyElseSignedIsNotTaken) {
  const TestCa other;
  EXPECT_THAT(why(OcspAnswers(other).about(question)), HasSubstr("not signed by the CA"));
  // In the CA's name.
  EXPECT_THAT(why(OcspAnswers(ca.pem(), other.key()).about(question)),
              HasSubstr("not signed by the CA"));
  const auto delegate = make_delegate(ca);
  OcspSaid said;
  said.certificates = {delegate.pem};
  EXPECT_THAT(why(OcspAnswers(delegate.pem, other.key()).about(question, said)),
              HasSubstr("not that of the responder"));
  // By a delegate whose certificate does not come along.
  EXPECT_NE(why(OcspAnswers(delegate.pem, delegate.key).about(question)), "");
}

TEST_F(OcspTest, WhatIsAboutAnotherCertificateIsNotTaken) {
  const auto other = ocsp_question(make_leaf(ca)->chain()).value();
  EXPECT_THAT(why(OcspAnswers(ca).about(other)), HasSubstr("not about the certificate"));
  auto same_serial = question;
  same_serial.issuer_key_hash.back() ^= 1;
  EXPECT_THAT(why(OcspAnswers(ca).about(same_serial)), HasSubstr("not about the certificate"));
  same_serial = question;
  same_serial.issuer_name_hash.back() ^= 1;
  EXPECT_THAT(why(OcspAnswers(ca).about(same_serial)), HasSubstr("not about the certificate"));
  OcspSaid said;
  said.times = 0;
  EXPECT_THAT(why(said), HasSubstr("not about the certificate"));
  said.times = 2;
  EXPECT_THAT(why(said), HasSubstr("twice"));
}

TEST_F(OcspTest, WhatDoesNotHoldNowIsNotTaken) {
  OcspSaid said;
  said.next_update = now;
  EXPECT_THAT(why(said), HasSubstr("expired"));
  said.next_update = now + std::chrono::seconds(1);
  EXPECT_EQ(why(said), "");
  said.next_update.reset();
  EXPECT_THAT(why(said), HasSubstr("nextUpdate"));
  said = OcspSaid();
  said.this_update = now + kClockSkew;  // the CA's clock may be ahead of ours
  EXPECT_EQ(why(said), "");
  said.this_update += std::chrono::seconds(1);
  EXPECT_THAT(why(said), HasSubstr("later moment"));
  said.this_update = now;
  said.next_update = now + hour;
  said.this_update = now + std::chrono::seconds(30);
  said.next_update = now + std::chrono::seconds(20);
  EXPECT_NE(why(said), "");
}

TEST_F(OcspTest, WhatMustBeUnderstoodAndIsNotIsNotTaken) {
  OcspSaid said;
  said.critical = true;
  EXPECT_THAT(why(said), HasSubstr("bad single response"));
}

TEST_F(OcspTest, AResponderThatHasNoAnswerSaysWhy) {
  const auto later = check(OcspAnswers::refusal(3));
  EXPECT_EQ(later.error().code, base::Code::kOverload);
  EXPECT_THAT(later.error().detail, HasSubstr("tryLater"));
  const auto never = check(OcspAnswers::refusal(6));
  EXPECT_EQ(never.error().code, base::Code::kDenied);
  EXPECT_THAT(never.error().detail, HasSubstr("unauthorized"));
  EXPECT_EQ(check(OcspAnswers::refusal(200)).error().code, base::Code::kDenied);
  EXPECT_EQ(check(OcspAnswers::refusal(0)).error().code, base::Code::kMalformed);
}

TEST_F(OcspTest, NoByteOfAResponseCanBeChangedOrLeftOut) {
  const auto whole = OcspAnswers(ca).about(question);
  const auto good = check(whole).value();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_FALSE(check(whole.substr(0, i))) << i;
    auto changed = whole;
    changed[i] ^= 0x01;
    EXPECT_FALSE(check(changed)) << i;
  }
  EXPECT_FALSE(check(whole + '\0'));
  EXPECT_FALSE(check("<html>It works!</html>"));
  EXPECT_EQ(check(std::string(kMostOcspResponse + 1, '0')).error().code, base::Code::kTooLarge);
  EXPECT_EQ(good.status, OcspStatus::kGood);
}

}  // namespace
}  // namespace gatehouse::tls::ocsp_test
