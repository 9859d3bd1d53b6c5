#include "certs/slots.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/gate.h"
#include "tests/certs/run_task.h"

namespace gatehouse::certs::slots_test {
namespace {

base::Task<void> hold(Slots& slots, Urgency urgency, std::string name, base::Event& until,
                      std::vector<std::string>& order) {
  const auto got = co_await slots.acquire(urgency, base::Deadline::never());
  order.push_back(got ? name : "refused " + name);
  if (!got) co_return;
  (void)co_await until.wait();
  slots.release();
}

TEST(Slots, ServesWhoIsMoreUrgentFirst) {
  base::Loop loop;
  base::Gate gate(loop);
  base::Event go(loop);
  Slots slots(loop, 1, 10);
  std::vector<std::string> order;
  gate.spawn(hold(slots, Urgency::kBackground, "first", go, order), "test");
  gate.spawn(hold(slots, Urgency::kBackground, "background 1", go, order), "test");
  gate.spawn(hold(slots, Urgency::kDue, "due", go, order), "test");
  gate.spawn(hold(slots, Urgency::kBackground, "background 2", go, order), "test");
  gate.spawn(hold(slots, Urgency::kExpiring, "expiring", go, order), "test");
  gate.spawn(hold(slots, Urgency::kHandshake, "handshake", go, order), "test");
  loop.post([&] { go.set(); });
  EXPECT_TRUE(run_task(loop, gate.close()));
  EXPECT_EQ(order, (std::vector<std::string>{"first", "handshake", "expiring", "due",
                                             "background 1", "background 2"}));
}

TEST(Slots, RefusesMoreWaitersThanItsBound) {
  base::Loop loop;
  base::Gate gate(loop);
  base::Event go(loop);
  Slots slots(loop, 1, 1);
  std::vector<std::string> order;
  for (const char* name : {"a", "b", "c"}) {
    gate.spawn(hold(slots, Urgency::kHandshake, name, go, order), "test");
  }
  loop.post([&] { go.set(); });
  EXPECT_TRUE(run_task(loop, gate.close()));
  EXPECT_EQ(order, (std::vector<std::string>{"a", "refused c", "b"}));
}

TEST(Slots, GivesUpAtTheDeadlineWithoutLosingASlot) {
  base::Loop loop;
  Slots slots(loop, 1, 10);
  ASSERT_TRUE(run_task(loop, slots.acquire(Urgency::kHandshake, base::Deadline::never())));
  const base::Deadline past(base::Clock::now());
  const auto late = run_task(loop, slots.acquire(Urgency::kHandshake, past));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, base::Code::kTimeout);
  EXPECT_EQ(slots.waiting(), 0u);
  slots.release();
  EXPECT_TRUE(run_task(loop, slots.acquire(Urgency::kHandshake, base::Deadline::never())));
}

}  // namespace
}  // namespace gatehouse::certs::slots_test
