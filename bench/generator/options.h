// What the command line of the generator says: MODE, then KEY=VALUE.
#pragma once

#include <cstdint>
#include <string>

namespace gatehouse::bench {

struct Options {
  std::string mode;
  std::uint16_t port = 0;          // on 127.0.0.1
  std::string host = "localhost";  // of Host and of SNI
  bool tls = true;
  bool resume = false;             // handshakes: by ticket
  std::uint64_t connections = 16;  // at once
  double seconds = 3;              // that a run takes
  double rate = 2000;              // latency: requests a second
  std::uint64_t bytes = 10 << 20;  // uploads: of a body
  std::string path = "/1k";

  // Ends the process with a message when a word is wrong.
  static Options parse(int argc, char** argv);
};

}  // namespace gatehouse::bench
