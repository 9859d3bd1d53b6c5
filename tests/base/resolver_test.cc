#include "base/resolver.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/base/on_loop.h"

namespace gatehouse::base::resolver_test {
namespace {

using namespace std::chrono_literals;

TEST(Resolver, AnswersLiteralsByItself) {
  Loop loop;
  Resolver resolver;
  // Even when there is no time left: nobody is asked.
  const Deadline passed(Clock::now() - 1s);
  auto v4 = run(loop, resolver.resolve(loop, "192.0.2.1", 80, passed));
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->front().text(), "192.0.2.1:80");
  auto v6 = run(loop, resolver.resolve(loop, "[2001:db8::1]", 443, passed));
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->front().text(), "[2001:db8::1]:443");
}

TEST(Resolver, FindsLocalhost) {
  Loop loop;
  Resolver resolver;
  auto found = run(loop, resolver.resolve(loop, "localhost", 8080, Deadline::in(60s)));
  ASSERT_TRUE(found) << found.error().detail;
  const auto is_loopback = [](const Endpoint& one) {
    return one.host() == "127.0.0.1" || one.host() == "::1";
  };
  EXPECT_TRUE(std::any_of(found->begin(), found->end(), is_loopback));
  EXPECT_EQ(found->front().port(), 8080);
}

TEST(Resolver, SaysWhichNameIsUnknown) {
  Loop loop;
  Resolver resolver;
  const std::string impossible(300, 'a');  // no DNS server is asked for this
  auto found = run(loop, resolver.resolve(loop, impossible, 80, Deadline::in(60s)));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kNotFound);
  EXPECT_EQ(found.error().retry, Retry::kYes);
  EXPECT_NE(found.error().detail.find(impossible), std::string::npos);
}

TEST(Resolver, ReturnsAtTheDeadlineWhileTheQueryGoesOn) {
  Loop loop;
  Resolver resolver;
  auto found = run(loop, resolver.resolve(loop, "localhost", 80, Deadline(Clock::now() - 1s)));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kTimeout);
}

}  // namespace
}  // namespace gatehouse::base::resolver_test
