// Clocks that are set while certificates are looked after: nothing is ordered for it but what is
// due, and nobody waits for a moment that only the wrong clock knew.
#include "certs/breaker.h"
#include "tests/certs/automation_house.h"

namespace gatehouse::certs::clock_jumps_test {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr auto kYear = days(365);

struct ClockJumpsTest : AutomationHouse {
  ClockJumpsTest() { add_site({"a.example"}); }

  Process& served() {
    Process& process = start();
    until([&] { return process.certificates.size() == 1; });
    settle();
    return process;
  }
  void set(Process& process, std::chrono::seconds ahead) {
    pass(process, ahead);
    settle();
  }
};

TEST_F(ClockJumpsTest, SetForwardACertificateIsRenewedOnce) {
  Process& process = served();
  set(process, kYear);
  EXPECT_EQ(ca().ordered.size(), 2u);
  EXPECT_TRUE(process.certificates.find("a.example")->valid_at(now));
  set(process, hours(1));
  EXPECT_EQ(ca().ordered.size(), 2u);
}

// Another one could not be valid either: each would be thrown away, and the CA counts them.
TEST_F(ClockJumpsTest, UnderAClockThatIsBehindNothingIsOrderedForACertificateThatIsThere) {
  Process& process = served();
  const auto old = serial(process.certificates.find("a.example"));
  set(process, -days(30));
  stop(process);
  Process& again = start();
  settle();
  set(again, hours(1));
  EXPECT_EQ(serial(ask(again, "a.example").value()), old);
  set(again, days(30));
  set(again, days(57));
  EXPECT_EQ(ca().ordered.size(), 1u);
  set(again, days(6));
  EXPECT_EQ(ca().ordered.size(), 2u);
}

TEST_F(ClockJumpsTest, ANameThatFailedUnderAClockAheadIsTriedAgainUnderTheRightOne) {
  now += kYear;
  ca().fail("down");
  Process& process = start();
  until([&] { return failures("a.example").has_value(); });
  settle();
  ca().failure.reset();
  set(process, -kYear);
  set(process, hours(1));
  EXPECT_EQ(process.certificates.size(), 1u);
}

TEST_F(ClockJumpsTest, ThatIsSoAfterARestartToo) {
  now += kYear;
  ca().fail("down");
  ca().failure->not_before = base::Deadline(base::Clock::now() + hours(1));
  Process& process = start();
  until([&] { return failures("a.example").has_value(); });
  settle();
  stop(process);
  ca().failure.reset();
  now -= kYear;
  Process& again = start();
  settle();
  EXPECT_EQ(again.certificates.size(), 1u);
}

TEST_F(ClockJumpsTest, ACaThatErredUnderAClockAheadIsAskedUnderTheRightOne) {
  Breaker breaker;
  for (unsigned i = 0; i < Breaker::kFailures; ++i) breaker.failed(now + kYear);
  ASSERT_FALSE(breaker.take(now + kYear));
  EXPECT_TRUE(breaker.take(now));
}

TEST_F(ClockJumpsTest, RenewalInformationIsAskedForAgainWhenTheClockWasAhead) {
  acme::RenewalInfo info;
  info.start = now + kYear + days(20);
  info.end = info.start + days(1);
  info.ask_again = hours(6);
  ca().renewal = info;
  ca().ahead = -days(10);
  now += kYear;
  Process& process = served();
  set(process, hours(2));
  EXPECT_EQ(ca().questions, 1u);
  set(process, -hours(100));
  EXPECT_EQ(ca().questions, 2u);
}

}  // namespace
}  // namespace gatehouse::certs::clock_jumps_test
