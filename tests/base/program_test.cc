#include "base/program.h"

#include <gmock/gmock.h>

#include <csignal>

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
      shell("ls /proc/self/fd | tr '\\n' ' ' >&2; exec grep -E SigBlk /proc/self/status >&2");
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

TEST_F(Program, ReadsWhatItIsGivenAndTwiceWhatIsAFile) {
  ProgramInput input;
  input.standard_input = "a document\n";
  input.files = {"first\n", "second\n"};
  input.environment = {"GATEHOUSE_TEST=given", "PATH=/bin:/usr/bin"};
  std::vector<std::string> arguments{
      "/bin/sh", "-c",
      "{ cat; cat /dev/fd/3 /dev/fd/4 /dev/fd/4; cat <&4; echo $GATEHOUSE_TEST;"
      " env | grep -c ^PATH=; ls /proc/self/fd | tr '\\n' ' '; } >&2"};
  const auto ended = run(loop, run_program(loop, pool, arguments, Deadline::never(), input));
  ASSERT_TRUE(ended) << ended.error().detail;
  EXPECT_THAT(ended->messages,
              HasSubstr("a document\nfirst\nsecond\nsecond\nsecond\ngiven\n1\n0 1 2 3 4 "));
}

TEST_F(Program, CanBeEndedBySomebodyElseWhileItRuns) {
  pid_t running = 0;
  ProgramInput input;
  input.running = &running;
  const auto kill_it = [](pid_t& group) -> Task<void> {
    while (group == 0) {
      auto others = Loop::current().yield();
      co_await others;
    }
    ::kill(-group, SIGKILL);
  };
  loop.spawn(kill_it(running), "who ends it");
  std::vector<std::string> arguments{"/bin/sh", "-c", "sleep 1000"};
  const auto ended = run(loop, run_program(loop, pool, arguments, Deadline::never(), input));
  ASSERT_TRUE(ended) << ended.error().detail;
  EXPECT_EQ(ended->status, -SIGKILL);
  EXPECT_EQ(running, 0);
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
