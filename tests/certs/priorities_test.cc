// Whose order goes first when there are more than may run at once.
#include <gmock/gmock.h>

#include "certs/key_types.h"
#include "certs/urgency.h"
#include "tests/certs/automation_house.h"

namespace gatehouse::certs::priorities_test {
namespace {

using testing::Contains;
using testing::UnorderedElementsAre;

struct PrioritiesTest : AutomationHouse {
  // A thousand names without a certificate, and visitors of others; two orders at once, of which
  // none ends before go_on is set.
  Process& busy() {
    std::vector<std::string> hosts;
    for (int i = 0; i < 1000; ++i) hosts.push_back("n" + std::to_string(i) + ".example");
    add_site(std::move(hosts));
    add_site({"*"}, true);
    config.tls.on_demand.allow = {"*.example"};
    config.limits.orders = 2;
    ca().go_on.reset();
    Process& process = start();
    until([&] { return ca().running == 2; });
    settle();
    return process;
  }
  // The orders that came after the two that ran.
  std::vector<std::string> next(std::size_t count) {
    until([&] { return ca().ordered.size() >= 2 + count; });
    return {ca().ordered.begin() + 2, ca().ordered.begin() + 2 + static_cast<long>(count)};
  }
};

TEST_F(PrioritiesTest, AHandshakeGoesBeforeAThousandNamesInTheBackground) {
  Process& process = busy();
  std::optional<Outcome> answer;
  ask_into(process, "visitor.example", answer);
  settle();
  ca().go_on.set();
  until([&] { return answer.has_value(); });
  EXPECT_TRUE(*answer);
  // Both places become free at once, and who has one makes a key first.
  EXPECT_THAT(next(2), Contains("visitor.example"));
}

TEST_F(PrioritiesTest, AHandshakeTakesTheOrderForItsNameAlongThatWaitsInTheBackground) {
  Process& process = busy();
  const std::string last = "n104.example";  // of the eight that the background tries at once
  std::optional<Outcome> answer;
  std::optional<Outcome> other;
  ask_into(process, last, answer);
  ask_into(process, "visitor.example", other);
  settle();
  ca().go_on.set();
  until([&] { return answer && other; });
  EXPECT_THAT(next(2), UnorderedElementsAre(last, "visitor.example"));
}

TEST(UrgencyOf, FollowsWhatIsServedForTheLabelAndHowLongThatLasts) {
  const base::WallTime now = base::wall_now();
  const auto key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  tls::CertificateStore certificates;
  const auto end = now + std::chrono::days(90);
  certificates.put({"a.example"}, make_certificate(key, {"a.example"}, now, end));
  EXPECT_EQ(urgency_of("none.example", certificates, now), Urgency::kBackground);
  EXPECT_EQ(urgency_of("a.example", certificates, now), Urgency::kDue);
  EXPECT_EQ(urgency_of("a.example", certificates, end - std::chrono::hours(11)),
            Urgency::kExpiring);
  EXPECT_EQ(urgency_of("a.example", certificates, end + std::chrono::days(1)), Urgency::kExpiring);
  EXPECT_EQ(urgency_of(rsa_label("a.example"), certificates, now), Urgency::kBackground)
      << "it has no RSA one";
}

}  // namespace
}  // namespace gatehouse::certs::priorities_test
