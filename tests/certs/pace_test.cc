#include "certs/pace.h"

#include <gtest/gtest.h>

#include <set>

#include "certs/record.h"
#include "tests/certs/fake_issuer.h"
#include "tests/certs/memory_storage.h"
#include "tests/certs/run_task.h"

namespace gatehouse::certs::pace_test {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

constexpr std::string_view kLetsEncrypt = "acme-v02.api.letsencrypt.org-directory";

struct PaceTest : testing::Test {
  // How many of `asked` orders may go now.
  int go(Pace& pace, int asked, Urgency urgency = Urgency::kBackground) {
    int gone = 0;
    for (int i = 0; i < asked; ++i) gone += pace.take(now, urgency) ? 0 : 1;
    return gone;
  }
  const CaLimits& limits = *limits_of(kLetsEncrypt);
  base::WallTime now{seconds(1'800'000'000)};
};

TEST_F(PaceTest, KnowsLetsEncryptsLimitsAndNobodyElses) {
  EXPECT_EQ(limits.orders.at_once, 300u);
  EXPECT_EQ(limits.orders.each * limits.orders.at_once, hours(3));
  EXPECT_EQ(limits.same_names.at_once, 5u);
  EXPECT_EQ(limits.same_names.each * limits.same_names.at_once, days(7));
  EXPECT_EQ(limits.domain.at_once, 50u);
  EXPECT_EQ(limits.domain.each * limits.domain.at_once, days(7));
  EXPECT_EQ(limits_of("ca.example-directory"), nullptr);
  EXPECT_EQ(limits_of("internal"), nullptr);
}

TEST_F(PaceTest, NeverPlacesMoreOrdersThanTheBucketOfTheCaHolds) {
  Pace pace(limits.orders);
  double bucket = limits.orders.at_once;  // the CA's own
  for (int minute = 0; minute < 24 * 60; ++minute, now += seconds(60)) {
    bucket = std::min<double>(limits.orders.at_once, bucket + 60.0 / 36);
    bucket -= go(pace, 10, minute % 3 == 0 ? Urgency::kHandshake : Urgency::kBackground);
    ASSERT_GE(bucket, 0) << minute;
  }
}

TEST_F(PaceTest, LeavesOrdersToHandshakes) {
  Pace pace(limits.orders);
  EXPECT_LT(go(pace, 1000), 240);
  EXPECT_GE(go(pace, 1000, Urgency::kHandshake), 50);
  EXPECT_EQ(go(pace, 1, Urgency::kHandshake), 0);
}

TEST_F(PaceTest, LeavesSomeToRenewalsAndMoreToWhatExpires) {
  Pace pace(limits.orders);
  const int background = go(pace, 1000);
  const int due = go(pace, 1000, Urgency::kDue);
  EXPECT_EQ(background + due, 258);
  EXPECT_EQ(due, 30);
  EXPECT_EQ(go(pace, 1000, Urgency::kExpiring), 30);
}

TEST_F(PaceTest, WhatExpiresIsNotPutInLineBehindOthers) {
  Pace pace(limits.orders);
  (void)go(pace, 300, Urgency::kHandshake);
  for (int i = 0; i < 1000; ++i) (void)pace.take(now, Urgency::kBackground);
  EXPECT_LE(*pace.take(now, Urgency::kExpiring), now + seconds(36));
}

TEST_F(PaceTest, SendsEachAwayUntilAnotherMomentAtWhichItMayGo) {
  Pace pace(limits.orders);
  (void)go(pace, 300);
  std::set<base::WallTime> moments;
  for (int i = 0; i < 100; ++i) moments.insert(*pace.take(now, Urgency::kBackground));
  EXPECT_EQ(moments.size(), 100u);
  for (const auto moment : moments)
    EXPECT_EQ(pace.take(moment, Urgency::kBackground), std::nullopt);
}

TEST_F(PaceTest, AClockThatIsSetBackGivesNothing) {
  Pace pace(limits.orders);
  (void)go(pace, 1000, Urgency::kHandshake);
  now -= days(30);
  EXPECT_EQ(go(pace, 1, Urgency::kHandshake), 0);
  now += seconds(37);
  EXPECT_EQ(go(pace, 2, Urgency::kHandshake), 1);
}

TEST_F(PaceTest, ARecordThatIsNoneIsDamaged) {
  Pace pace(limits.orders);
  for (const char* text : {"", "{}", R"({"version":1,"at":1})", R"({"version":1,"left":1})"}) {
    EXPECT_FALSE(pace.learn(text, now)) << text;
  }
}

TEST_F(PaceTest, IsKeptOverARestart) {
  base::Loop loop;
  MemoryStorage storage(loop);
  int gone = 0;
  for (int life = 0; life < 8; ++life) {
    Pace pace(limits.orders);
    for (int i = 0; i < 100; ++i) {
      const auto kept =
          run_task(loop, keep_pace(pace, storage, std::string(kLetsEncrypt), Urgency::kHandshake));
      gone += kept ? 1 : 0;
      if (kept) continue;
      EXPECT_EQ(kept.error().error.code, base::Code::kOverload);
      EXPECT_GT(kept.error().retry_after, seconds(0));
    }
  }
  EXPECT_LE(gone, 300);
  EXPECT_GE(gone, 280);
}

TEST_F(PaceTest, AFifthCertificateForTheSameNamesInAWeekIsTheLast) {
  const auto key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  Record record;
  record.issuer = kLetsEncrypt;
  record.names = {"a.example"};
  record.certificate = make_certificate(key, record.names, now, now + days(90));
  record.obtained = now;
  const auto first = now;
  for (int i = 2; i <= 5; ++i) {
    EXPECT_EQ(record.wait_for_next(now), now) << i;
    now += hours(1);
    Record next = *parse_record(to_text(record));
    next.follow(record);
    next.obtained = now;
    record = next;
  }
  EXPECT_EQ(record.wait_for_next(now), first + days(7));
  record.issuer = "ca.example-directory";
  EXPECT_EQ(record.wait_for_next(now), now);
}

}  // namespace
}  // namespace gatehouse::certs::pace_test
