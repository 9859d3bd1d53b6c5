// What cannot be undone is asked for once more.
#pragma once

#include <string>

namespace gatehouse::proxy {

// Whether there is a person at standard input to be asked.
bool can_ask();
// Asks "`question`? [y/N]" on standard error; whether the answer was yes. Blocks.
bool confirmed(const std::string& question);

}  // namespace gatehouse::proxy
