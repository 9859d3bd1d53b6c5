// Runs a program of the machine to its end, for errands that are the user's to define.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/clock.h"
#include "base/loop.h"

namespace gatehouse::base {

// What a program is given beside its arguments. Of files the program sees memory, which is gone
// with it: nothing lies on a disk.
struct ProgramInput {
  std::string standard_input;            // empty: /dev/null
  std::vector<std::string> files;        // to be read at descriptors 3, 4, … or at /dev/fd/3, …
  std::vector<std::string> environment;  // "NAME=value", in the place of ours of that name
  // Holds the id of the program's group from its start to its end; 0 else. May be null.
  pid_t* running = nullptr;
};

struct ProgramEnd {
  int status = 0;        // exit status; minus the signal's number when one ended it
  std::string messages;  // the last of what it wrote to standard error, kProgramMessages at most
};

// "ended with status 1: what it said", on one line.
std::string text_of(const ProgramEnd& end);

inline constexpr std::size_t kProgramMessages = 1024;       // bytes
inline constexpr std::size_t kProgramWrites = 1024 * 1024;  // to standard error; more fails for it

// Starts `arguments[0]` (a path; nothing is searched for) with the others, in our environment, a
// process group of its own, standard output at /dev/null. At `deadline` the whole group is killed:
// kTimeout. Errors: kNotFound, kDenied, kIo when it cannot be started; kOverload. The program ends
// by itself if the loop does before.
Task<Result<ProgramEnd>> run_program(Loop& loop, BlockingPool& pool,
                                     std::vector<std::string> arguments, Deadline deadline,
                                     ProgramInput input = ProgramInput());

}  // namespace gatehouse::base
