#include "options.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace gatehouse::bench {
namespace {

[[noreturn]] void usage(std::string_view wrong) {
  std::fprintf(stderr,
               "generator: wrong: %.*s\n"
               "usage: generator handshakes|uploads|latency|idle|refused|origin port=N [host=NAME] "
               "[tls=0|1] [resume=0|1] [connections=N] [seconds=N] [rate=N] [bytes=N] [path=/P]\n",
               static_cast<int>(wrong.size()), wrong.data());
  std::exit(2);
}

}  // namespace

Options Options::parse(int argc, char** argv) {
  Options options;
  if (argc < 3) usage("no mode, no port");
  options.mode = argv[1];
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto equals = word.find('=');
    if (equals == word.npos) usage(word);
    const auto key = word.substr(0, equals);
    const std::string value(word.substr(equals + 1));
    const auto number = [&] { return std::strtod(value.c_str(), nullptr); };
    if (key == "port") {
      options.port = static_cast<std::uint16_t>(number());
    } else if (key == "host") {
      options.host = value;
    } else if (key == "tls") {
      options.tls = value == "1";
    } else if (key == "resume") {
      options.resume = value == "1";
    } else if (key == "connections") {
      options.connections = static_cast<std::uint64_t>(number());
    } else if (key == "seconds") {
      options.seconds = number();
    } else if (key == "rate") {
      options.rate = number();
    } else if (key == "bytes") {
      options.bytes = static_cast<std::uint64_t>(number());
    } else if (key == "path") {
      options.path = value;
    } else {
      usage(word);
    }
  }
  if (options.port == 0 || options.connections == 0 || options.rate <= 0) usage("a number is 0");
  return options;
}

}  // namespace gatehouse::bench
