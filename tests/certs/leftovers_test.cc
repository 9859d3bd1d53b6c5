#include "certs/leftovers.h"

#include <gtest/gtest.h>

#include "tests/base/skipped_time.h"
#include "tests/certs/fake_issuer.h"
#include "tests/certs/memory_storage.h"

namespace gatehouse::certs::leftovers_test {
namespace {

class Forgetful : public FakeIssuer {
 public:
  Forgetful(FakeCa& ca, std::size_t& calls)
      : FakeIssuer(ca, "main", &base::wall_now), calls_(calls) {}
  base::Task<void> remove_leftovers() override {
    ++calls_;
    co_return;
  }

 private:
  std::size_t& calls_;
};

TEST(Leftovers, AreLookedForAtStartAndHourlyUntilTheEnd) {
  base::Loop loop;
  base::BlockingPool blocking{1};
  base::SkippedTime time{loop, blocking};
  MemoryStorage storage{loop};
  FakeCa ca{loop};
  std::size_t calls = 0;
  config::Config config;
  config.tls.issuers.emplace_back(config::AcmeIssuer());
  Issuers issuers(config, [&](const config::Issuer&) -> std::unique_ptr<Issuer> {
    return std::make_unique<Forgetful>(ca, calls);
  });
  base::Event over(loop);
  base::Gate tasks(loop);
  tasks.spawn(look_after_leftovers(issuers, storage, over), "leftovers");
  time.until([&] { return calls == 1; });
  time.pass(3 * kLeftoversAgain);
  EXPECT_GE(calls, 3u);
  EXPECT_LE(calls, 4u);
  over.set();
  time.until([&] { return tasks.count() == 0; });
}

}  // namespace
}  // namespace gatehouse::certs::leftovers_test
