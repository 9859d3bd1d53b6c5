// The benches' own load generator: what wrk and h2load cannot do. One thread.
#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>

#include "modes.h"

int main(int argc, char** argv) {
  using namespace gatehouse::bench;
  const Options options = Options::parse(argc, argv);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // it never outlives the bench
  std::signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);

  constexpr struct {
    const char* name;
    void (*run)(const Options&);
  } kModes[] = {{"handshakes", handshakes}, {"uploads", uploads},
                {"latency", latency},       {"idle", idle},
                {"refused", refused},       {"origin", origin}};
  for (const auto& mode : kModes) {
    if (options.mode == mode.name) {
      mode.run(options);
      return 0;
    }
  }
  std::fprintf(stderr, "generator: no mode is called %s\n", options.mode.c_str());
  return 2;
}
