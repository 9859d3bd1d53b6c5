#include "base/program.h"

#include <gmock/gmock.h>

#include "tests/base/on_loop.h"

namespace gatehouse::base::program_test {
namespace {

using ::testing::HasSubstr;

class Program : public ::testing::Test {
 protected:
  Result<ProgramEnd> shell(std::string script, Deadline deadline = Deadline::never()) {
    std::vector<std::string> arguments{"/bin/sh", "-c", std::move(script), "sh", "an argument"};
    return run(loop, run_program(loop, pool, std::move(arguments), deadline));
  }

  Loop loop;
  BlockingPool pool{1};
};

TEST_F(Program, EndsWithItsStatusAndWhatItWroteToStandardError) {
  const auto ended = shell("echo unseen; echo \"$1: no\" >&2; exit 7");
  ASSERT_TRUE(ended) << ended.error().detail;
  EXPECT_EQ(ended->status, 7);
  EXPECT_EQ(ended->messages, "an argument: no\n");
  EXPECT_EQ(shell("exit 0")->messages, "");
}

TEST_F(Program, OfManyWordsTheLastAreKept) {
  const auto ended = shell("i=0; while [ $i -lt 500 ]; do echo line $i >&2; i=$((i+1)); done");
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->messages.size(), kProgramMessages);
  EXPECT_TRUE(ended->messages.ends_with("line 499\n"));
}

TEST_F(Program, WritesNoMoreThanItsBound) {
  const auto ended = shell("exec 2>&2; head -c 2000000 /dev/zero >&2 || exit 9");
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->status, 9);
}

TEST_F(Program, TellsTheSignalThatEndedIt) { EXPECT_EQ(shell("kill -TERM $$")->status, -15); }

TEST_F(Program, HasNoDescriptorOfOursAndNoSignalBlocked) {
  const auto ended =
      shell("ls /proc/self/fd | tr '\\n' ' ' >&2; grep -E SigBlk /proc/$$/status >&2");
  ASSERT_TRUE(ended);
  EXPECT_THAT(ended->messages, HasSubstr("0 1 2 "));
  EXPECT_THAT(ended->messages, HasSubstr("SigBlk:\t0000000000000000"));
}

TEST_F(Program, IsKilledWithItsChildrenAtTheDeadline) {
  const auto ended = shell("sleep 1000 & sleep 1000; exit 0", Deadline::in(Duration(100)));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, Code::kTimeout);
  EXPECT_THAT(ended.error().detail, HasSubstr("/bin/sh was killed"));
}

TEST_F(Program, SaysWhatCannotBeStarted) {
  std::vector<std::string> nobody{"/nobody/here"};
  const auto none = run(loop, run_program(loop, pool, nobody, Deadline::never()));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kNotFound);
  EXPECT_THAT(none.error().detail, HasSubstr("start /nobody/here"));
  std::vector<std::string> folder{"/tmp"};
  EXPECT_FALSE(run(loop, run_program(loop, pool, folder, Deadline::never())));
}

}  // namespace
}  // namespace gatehouse::base::program_test
