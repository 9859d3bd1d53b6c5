// Renewal as issuers want it (RFC 9773), over months in which the clock is moved by hand.
#include "tests/certs/automation_house.h"

namespace gatehouse::certs::renewal_test {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct RenewalTest : AutomationHouse {
  RenewalTest() { add_site({"a.example"}); }

  // A process that has a certificate for a.example.
  Process& served() {
    Process& process = start();
    until([&] { return process.certificates.size() == 1; });
    return process;
  }
  acme::RenewalInfo window(seconds from, seconds to) const {
    acme::RenewalInfo info;
    info.start = now + from;
    info.end = now + to;
    info.ask_again = hours(6);
    return info;
  }
  // Moves the clock by `step` until `count` orders were made, or `most` steps are over.
  void pass_until_ordered(Process& process, std::size_t count, seconds step, int most) {
    for (int i = 0; i < most && ca().ordered.size() < count; ++i) {
      pass(process, step);
      settle();
    }
  }
  std::optional<RenewalPlan> plan() {
    const auto found = records->records.find("renewals/main/a.example");
    if (found == records->records.end()) return std::nullopt;
    return parse_renewal_plan(found->second).value();
  }
};

TEST_F(RenewalTest, IsInTheCasWindowEvenBeforeTheLifeWouldSay) {
  ca().renewal = window(days(20), days(21));
  Process& process = served();
  pass(process, hours(2));
  until([&] { return ca().questions == 1 && plan(); });
  pass(process, days(19));
  settle();
  EXPECT_EQ(ca().ordered.size(), 1u);
  pass_until_ordered(process, 2, hours(6), 8);
  EXPECT_EQ(ca().ordered.size(), 2u);
}

TEST_F(RenewalTest, WaitsForTheCasWindowEvenAfterTheLifeWouldSay) {
  ca().renewal = window(days(80), days(81));
  Process& process = served();
  pass(process, hours(2));
  until([&] { return plan().has_value(); });
  pass(process, days(79));
  settle();
  EXPECT_EQ(ca().ordered.size(), 1u);
  pass_until_ordered(process, 2, hours(6), 8);
  EXPECT_EQ(ca().ordered.size(), 2u);
}

TEST_F(RenewalTest, NamesTheCertificateThatItReplaces) {
  Process& process = served();
  const std::string old = serial(process.certificates.find("a.example"));
  pass(process, days(62));
  until([&] { return ca().ordered.size() == 2; });
  EXPECT_EQ(ca().replaced, (std::vector<std::string>{"", old}));
}

TEST_F(RenewalTest, AWindowInThePastMeansAtOnceThoughNeverWithoutEnd) {
  Process& process = served();
  pass(process, days(10));
  settle();
  // An incident: all that the CA has ever signed is to be renewed, the new ones too.
  ca().renewal = window(-days(2), -days(1));
  ca().renewal->ask_again = minutes(1);
  stop(process);
  Process& again = served();
  until([&] { return ca().ordered.size() == 2; });
  settle();
  EXPECT_EQ(ca().ordered.size(), 2u);
  pass_until_ordered(again, 3, minutes(10), 18);
  EXPECT_EQ(ca().ordered.size(), 3u);
}

TEST_F(RenewalTest, BringsANewKeyUnlessTheConfigurationKeepsTheOldOne) {
  const auto renewed_with_the_same_key = [&](Process& process) {
    const auto before = process.certificates.find_exact("a.example");
    pass_until_ordered(process, ca().ordered.size() + 1, hours(12), 200);
    until([&] { return process.certificates.find_exact("a.example") != before; });
    const auto after = process.certificates.find_exact("a.example");
    return after->key().public_der() == before->key().public_der();
  };
  Process& first = served();
  EXPECT_FALSE(renewed_with_the_same_key(first));
  stop(first);
  config.tls.renewal.reuse_key = true;
  Process& second = served();
  EXPECT_TRUE(renewed_with_the_same_key(second));
  ca().renewal = window(-hours(2), -hours(1));
  EXPECT_FALSE(renewed_with_the_same_key(second)) << "the CA wants it replaced";
  stop(second);
  config.tls.key_type = {config::KeyType::kP384};
  Process& third = served();
  EXPECT_FALSE(renewed_with_the_same_key(third)) << "it is of another type";
}

TEST_F(RenewalTest, ChoosesOneMomentAndKeepsItAcrossQuestionsAndRestarts) {
  ca().renewal = window(days(20), days(40));
  Process& process = served();
  pass(process, hours(2));
  until([&] { return plan().has_value(); });
  const auto chosen = plan()->chosen;
  for (std::size_t i = 2; i < 6; ++i) {
    pass(process, hours(7));
    until([&] { return ca().questions == i; });
  }
  stop(process);
  Process& again = served();
  pass(again, hours(7));
  until([&] { return ca().questions == 6; });
  settle();
  EXPECT_EQ(plan()->chosen, chosen);
}

TEST_F(RenewalTest, IsAskedForOnceByAllProcessesOnOneStorage) {
  ca().renewal = window(days(50), days(60));
  Process& first = served();
  pass(first, hours(2));
  until([&] { return plan().has_value(); });
  Process& second = start();
  until([&] { return second.certificates.size() == 1; });
  settle();
  EXPECT_EQ(ca().questions, 1u);
}

TEST_F(RenewalTest, GoesByTheLifeWhenTheCaErrs) {
  ca().renewal = acme::malformed("no window");
  Process& process = served();
  for (int i = 0; i < 57; ++i) {
    pass(process, days(1));
    settle();
  }
  EXPECT_GT(ca().questions, 10u);
  EXPECT_EQ(ca().ordered.size(), 1u);
  pass_until_ordered(process, 2, days(1), 6);
  EXPECT_EQ(ca().ordered.size(), 2u);
}

TEST_F(RenewalTest, AnOldPlanSaysNothingOfTheNextCertificate) {
  ca().renewal = window(days(20), days(21));
  Process& process = served();
  pass(process, hours(2));
  until([&] { return plan().has_value(); });
  ca().renewal = acme::failed(base::Error(base::Code::kUnsupported, "no longer"));
  pass(process, days(22));
  until([&] { return ca().ordered.size() == 2; });
  pass(process, days(30));  // the old window has long passed
  settle();
  EXPECT_EQ(ca().ordered.size(), 2u);
  pass_until_ordered(process, 3, days(2), 20);
  EXPECT_EQ(ca().ordered.size(), 3u);
}

TEST_F(RenewalTest, NobodyIsAskedWhenTheConfigurationSaysSo) {
  config.tls.renewal.ari = false;
  ca().renewal = window(days(20), days(21));
  Process& process = served();
  pass(process, days(30));
  settle();
  EXPECT_EQ(ca().questions, 0u);
  EXPECT_EQ(ca().ordered.size(), 1u);
  pass(process, days(32));
  until([&] { return ca().ordered.size() == 2; });
  EXPECT_EQ(ca().replaced.back(), "");
}

TEST_F(RenewalTest, BeginsAsEarlyAsTheConfigurationSays) {
  config.tls.renewal.left_percent = 80;
  Process& process = served();
  pass(process, days(15));
  settle();
  EXPECT_EQ(ca().ordered.size(), 1u);
  pass(process, days(6));
  until([&] { return ca().ordered.size() == 2; });
}

TEST_F(RenewalTest, SixDayCertificatesNeverRunOutThoughTheCaIsDownForADay) {
  ca().life = hours(160);
  Process& process = served();
  for (int hour = 0; hour < 24 * 12; hour += 6) {
    if (hour == 72) ca().fail("down");  // from before its renewal is due
    if (hour == 96) ca().failure.reset();
    pass(process, hours(6));
    settle();
    ASSERT_GT(process.certificates.find("a.example")->leaf().not_after, now + hours(36)) << hour;
  }
  EXPECT_LT(ca().ordered.size(), 12u);
}

}  // namespace
}  // namespace gatehouse::certs::renewal_test
