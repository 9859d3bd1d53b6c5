#include "proxy/embedded_default.h"

#include <algorithm>
#include <cctype>

namespace gatehouse::proxy {

std::string embedded_default(std::uint16_t sample_port) {
  std::string text = R"({
  // Unprivileged ports, so that anybody can try it.
  "listen": { "https": [":8443"], "http": [":8080"] },
  "tls": {
    "issuers": [{ "internal": {} }],
    "on_demand": { "allow": ["localhost", "*.localhost"] }
  },
  "sites": [{
    "hosts": ["localhost", "*.localhost"],
    "tls": { "on_demand": true },
    "proxy": "http://127.0.0.1:)";
  text += std::to_string(sample_port);
  text += "\"\n  }]\n}\n";
  return text;
}

namespace {

// As a shell takes it for one word.
std::string quoted(std::string_view path) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("/._-+,:@").find(c) != std::string_view::npos;
  };
  if (std::ranges::all_of(path, plain)) return std::string(path);
  std::string text = "'";
  for (const char c : path) {
    if (c == '\'') text += "'\\'";
    text += c;
  }
  return text + "'";
}

}  // namespace

std::string trial_hint(std::string_view root_file) {
  std::string text =
      "\nNo configuration was given: this is the embedded default, with an internal "
      "CA and a sample upstream.\n"
      "  https://localhost:8443/   and https://ANYTHING.localhost:8443/\n"
      "  http://localhost:8080/    leads there\n"
      "Try it:\n"
      "  curl --cacert ";
  text += quoted(root_file);
  text += " https://hello.localhost:8443/\n\n";
  return text;
}

}  // namespace gatehouse::proxy
