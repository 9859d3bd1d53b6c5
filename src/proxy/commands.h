// The command line: gatehouse run | validate | version | schema | trust | healthcheck | account |
// certificates.
#pragma once

#include <optional>
#include <string>

#include "config/model.h"

namespace gatehouse::proxy {

// Exit status: 0 well; 1 it failed; 2 the command line or the configuration is wrong, with the
// errors on standard error.
int run_command_line(int argc, char** argv);

inline constexpr int kWell = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrong = 2;

// Tells it on standard error; returns `status`.
int say_error(const std::string& what, int status = kFailed);
// The configuration that --config names (empty: $GATEHOUSE_CONFIG, else the embedded default), or
// nothing after its errors were written: the exit status is kWrong then.
std::optional<config::Config> given_config(const std::string& option);

}  // namespace gatehouse::proxy
