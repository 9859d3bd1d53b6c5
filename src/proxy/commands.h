// The command line: gatehouse run | validate | version | schema | trust | healthcheck | account |
// certificates.
#pragma once

namespace gatehouse::proxy {

// Exit status: 0 well; 1 it failed; 2 the command line or the configuration is wrong, with the
// errors on standard error.
int run_command_line(int argc, char** argv);

}  // namespace gatehouse::proxy
