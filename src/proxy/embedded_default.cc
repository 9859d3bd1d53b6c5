#include "proxy/embedded_default.h"

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

std::string trial_hint(std::string_view root_file) {
  std::string text = "\nNo configuration was given: this is the embedded default, with an internal "
                     "CA and a sample upstream.\n"
                     "  https://localhost:8443/   and any name under .localhost\n"
                     "  http://localhost:8080/    leads there\n"
                     "Try it:\n"
                     "  curl --cacert ";
  text += root_file;
  text += " https://hello.localhost:8443/\n\n";
  return text;
}

}  // namespace gatehouse::proxy
