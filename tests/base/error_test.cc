#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace gatehouse::base::error_test {
namespace {

TEST(Error, TellsWhatTheSystemSaid) {
  const auto error = from_errno(ECONNREFUSED, Side::kUpstream, "connect to 127.0.0.1:1");
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_EQ(error.side, Side::kUpstream);
  EXPECT_EQ(error.detail, "connect to 127.0.0.1:1: Connection refused");
}

TEST(Error, MapsErrnoToWhatWasObserved) {
  EXPECT_EQ(from_errno(ECONNRESET, Side::kLocal, "x").code, Code::kReset);
  EXPECT_EQ(from_errno(EPIPE, Side::kLocal, "x").code, Code::kReset);
  EXPECT_EQ(from_errno(ETIMEDOUT, Side::kLocal, "x").code, Code::kTimeout);
  EXPECT_EQ(from_errno(EMFILE, Side::kLocal, "x").code, Code::kIo);
}

TEST(Error, EachCodeHasAName) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(Code::kInternal); ++code) {
    names.insert(name(static_cast<Code>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Code::kInternal) + 1);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace gatehouse::base::error_test
