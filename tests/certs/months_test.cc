// A certificate's life through months, between a real ACME issuer and a CA on the same loop, in
// time that is skipped: what is counted are the requests that the CA sees.
#include <gmock/gmock.h>

#include <ctime>
#include <map>
#include <optional>

#include "certs/automation.h"
#include "tests/certs/erring_house.h"

namespace gatehouse::certs::months_test {
namespace {

using acme::ScriptReply;
using acme::ScriptRequest;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

std::string timestamp(base::WallTime at) {
  const std::time_t moment = at.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&moment, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%FT%TZ", &parts));
}

// A CA with its own authority, whose certificates live for 90 days.
struct Ca : ErringCa {
  explicit Ca(base::Loop& loop) : ErringCa(loop) {
    authority.life = days(90);
    sign = [this](const std::string& csr, std::vector<std::string> names) {
      return authority.sign_request(csr, std::move(names));
    };
  }
  void go_down() {
    intercept = [](const ScriptRequest&, const auto&) {
      ScriptReply reply;
      reply.hang_up = true;
      return std::optional<ScriptReply>(std::move(reply));
    };
  }
  void come_up() { intercept = nullptr; }
  // Of every certificate's life, counted from the first question about it.
  void want_renewal_on_day(int day) {
    renewal = [this, day](const std::string& certificate) {
      const auto first = asked_.emplace(certificate, base::wall_now()).first->second;
      return ScriptReply(200, R"({"suggestedWindow":{"start":")" + timestamp(first + days(day)) +
                                  R"(","end":")" + timestamp(first + days(day + 1)) + "\"}}")
          .with("Retry-After", "21600");
    };
  }
  int orders() { return count("/new-order"); }

  TestAuthority authority;

 private:
  std::map<std::string, base::WallTime> asked_;
};

// Control's parts of one process.
struct Process {
  Process(base::Loop& loop, std::shared_ptr<MemoryStorage::Records> records)
      : storage(loop, std::move(records)) {}
  MemoryStorage storage;
  tls::CertificateStore certificates;
  ChallengeStore challenges;
  std::unique_ptr<Automation> automation;
};

struct MonthsTest : testing::Test {
  MonthsTest() {
    config.listen.https.emplace_back();
    use(ca);
  }
  ~MonthsTest() override { stop(); }

  void use(Ca& wanted) {
    config::AcmeIssuer issuer;
    issuer.directory = wanted.directory_url();
    config.tls.issuers.assign(1, issuer);
  }
  void add_sites(std::vector<std::string> hosts, bool on_demand = false) {
    config::Site site;
    site.hosts = std::move(hosts);
    site.tls.on_demand = on_demand;
    config.sites.push_back(std::move(site));
  }
  void start() {
    process.emplace(loop, records);
    const Automation::Parts parts{
        loop,   blocking, resolver, process->storage, process->certificates, process->challenges,
        nullptr};
    Automation::Replacements replacements;
    replacements.look_every = base::Duration(24 * 3'600'000);  // months have many minutes
    process->automation = std::make_unique<Automation>(
        parts, std::make_shared<const config::Config>(config), std::move(replacements));
    EXPECT_TRUE(time.run(process->automation->start()));
    time.settle();
  }
  void stop() {
    if (!process) return;
    time.run(process->automation->stop(base::Deadline::in(base::Duration(30'000))));
    time.settle();
    process.reset();
  }
  void until_served(std::size_t count = 1) {
    time.until([&] { return process->certificates.size() == count; });
  }
  tls::CertificateRef served(std::string_view name) { return process->certificates.find(name); }
  bool valid(std::string_view name) {
    const auto certificate = served(name);
    return certificate && certificate->valid_at(base::wall_now());
  }

  base::Loop loop;
  base::BlockingPool blocking{1};
  base::SkippedTime time{loop, blocking};
  base::Resolver resolver;
  Ca ca{loop};
  config::Config config;
  std::shared_ptr<MemoryStorage::Records> records = std::make_shared<MemoryStorage::Records>();
  std::optional<Process> process;
};

TEST_F(MonthsTest, ACertificateIsRenewedAtTwoThirdsOfItsLife) {
  add_sites({"a.example"});
  start();
  until_served();
  const auto first = served("a.example");
  time.pass(days(57));
  EXPECT_EQ(ca.orders(), 1);
  time.pass(days(6));
  EXPECT_EQ(ca.orders(), 2);
  EXPECT_NE(served("a.example"), first);
  EXPECT_TRUE(valid("a.example"));
}

TEST_F(MonthsTest, ACertificateIsRenewedWhenTheCaWants) {
  ca.want_renewal_on_day(20);
  add_sites({"a.example"});
  start();
  until_served();
  time.pass(days(19));
  EXPECT_EQ(ca.orders(), 1);
  EXPECT_LE(ca.count("/renewal/"), 19 * 4 + 1);
  time.pass(days(2) + hours(1));
  EXPECT_EQ(ca.orders(), 2);
}

TEST_F(MonthsTest, ACaThatIsDownForThreeDaysCostsFewRequestsAndNoVisitor) {
  add_sites({"a.example"});
  start();
  until_served();
  time.pass(days(59));
  EXPECT_EQ(ca.orders(), 1);
  ca.go_down();
  const int before = ca.count("/");
  for (int day = 0; day < 3; ++day) {
    time.pass(days(1));
    EXPECT_TRUE(valid("a.example"));
  }
  EXPECT_GT(ca.count("/") - before, 3);
  EXPECT_LE(ca.count("/") - before, 3 * 24 * 4);
  ca.come_up();
  time.pass(hours(3));
  EXPECT_EQ(ca.orders(), 2);
  EXPECT_TRUE(valid("a.example"));
}

TEST_F(MonthsTest, RetryAfterIsObeyedAcrossRestarts) {
  add_sites({"a.example"});
  ca.intercept = [](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/new-order") return std::nullopt;
    return ErringCa::problem(429, "rateLimited", "too many certificates (5) already issued")
        .with("Retry-After", "36000");
  };
  start();
  time.pass(hours(2));
  EXPECT_EQ(ca.orders(), 1);
  ca.come_up();
  for (int i = 0; i < 5; ++i) {
    stop();
    start();
    time.pass(hours(1));
    EXPECT_EQ(ca.orders(), 1);
  }
  time.pass(hours(4));
  EXPECT_EQ(ca.orders(), 2);
  EXPECT_TRUE(valid("a.example"));
}

TEST_F(MonthsTest, AnotherCaInTheConfigurationTakesNoCertificateAway) {
  add_sites({"a.example"});
  start();
  until_served();
  const auto old = served("a.example")->leaf().serial;
  stop();
  Ca other(loop);
  other.go_down();
  use(other);
  start();
  time.pass(days(1));
  ASSERT_TRUE(valid("a.example"));
  EXPECT_EQ(served("a.example")->leaf().serial, old);
  other.come_up();
  time.pass(days(1));
  EXPECT_NE(served("a.example")->leaf().serial, old);
  EXPECT_EQ(ca.orders(), 1);
  EXPECT_EQ(other.orders(), 1);
  stop();
  start();
  EXPECT_NE(served("a.example")->leaf().serial, old);
  stop();
}

TEST_F(MonthsTest, SixDayCertificatesAreRenewedAtHalfTheirLife) {
  ca.authority.life = hours(160);
  add_sites({"a.example"});
  start();
  until_served();
  for (int day = 0; day < 30; ++day) {
    time.pass(days(1));
    ASSERT_TRUE(valid("a.example")) << day;
  }
  EXPECT_GE(ca.orders(), 9);
  EXPECT_LE(ca.orders(), 11);
}

TEST_F(MonthsTest, NoMoreThanFiveValidationsOfANameFailInAnHour) {
  config.listen.http.emplace_back();  // two types of challenges
  std::vector<base::WallTime> failed;
  ca.decide = [&](const std::string&, const std::string&) {
    failed.push_back(base::wall_now());
    return "connection";
  };
  add_sites({"a.example"});
  start();
  for (int day = 0; day < 3; ++day) {
    time.pass(days(1));
    stop();
    start();
  }
  ASSERT_GT(failed.size(), 5u);
  for (std::size_t i = 5; i < failed.size(); ++i) EXPECT_GE(failed[i] - failed[i - 5], hours(1));
}

// Lets `count` hours pass; in none of them may the CA see more than `most` requests.
void pass_hours(MonthsTest& test, int count, int most) {
  for (int hour = 0; hour < count; ++hour) {
    const int before = test.ca.count("/");
    test.time.pass(hours(1));
    EXPECT_LE(test.ca.count("/") - before, most) << hour;
  }
}

TEST_F(MonthsTest, AThousandNamesAskACaThatIsDownAFewTimesAnHour) {
  std::vector<std::string> hosts;
  for (int i = 0; i < 1000; ++i) hosts.push_back("n" + std::to_string(i) + ".example");
  add_sites(std::move(hosts));
  ca.go_down();
  start();
  pass_hours(*this, 1, 60);  // until it is known
  pass_hours(*this, 2, 10);
}

TEST_F(MonthsTest, ACaThatIsDownForAWeekCostsAFewRequestsAnHourAndNoCertificate) {
  std::vector<std::string> hosts;
  for (int i = 0; i < 3; ++i) hosts.push_back("n" + std::to_string(i) + ".example");
  add_sites(hosts);
  ca.want_renewal_on_day(20);
  start();
  until_served(3);
  time.pass(days(19));
  ca.go_down();
  const int before = ca.count("/");
  pass_hours(*this, 7 * 24, 40);
  EXPECT_LE(ca.count("/") - before, 7 * 24 * 8);
  for (const auto& host : hosts) EXPECT_TRUE(valid(host)) << host;
  EXPECT_EQ(ca.orders(), 3);
  ca.come_up();
  time.pass(hours(8));
  EXPECT_EQ(ca.orders(), 6);
}

}  // namespace
}  // namespace gatehouse::certs::months_test
