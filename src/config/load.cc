#include "config/load.h"

#include <algorithm>
#include <cstdlib>
#include <tuple>

#include "config/check.h"
#include "config/keys.h"
#include "config/known_cas.h"
#include "config/upstream_keys.h"

namespace gatehouse::config {

namespace {

Config defaults() {
  Config config;
  Address https;
  https.port = 443;
  Address http;
  http.port = 80;
  config.listen.https.push_back(https);
  config.listen.http.push_back(http);
  return config;
}

}  // namespace

std::expected<Config, std::vector<ConfigError>> load(std::string_view text,
                                                     const Environment& environment) {
  std::vector<ConfigError> errors;
  const Node root = read_tree(text, errors);
  const auto unreadable = [](const ConfigError& e) { return e.message.starts_with("not JSON"); };
  Config config = defaults();
  // What stands behind a syntax error is unknown: messages about missing keys would be wrong.
  if (std::none_of(errors.begin(), errors.end(), unreadable)) {
    Decoder decoder(environment, errors);
    read_config(decoder, root, config);
    check(config, root, errors);
  }
  if (errors.empty()) {
    resolve_groups(config);
    resolve_cas(config);
    return config;
  }
  std::ranges::sort(errors, {}, [](const ConfigError& e) { return std::tie(e.line, e.pointer); });
  return std::unexpected(std::move(errors));
}

const char* process_environment(const char* name) { return std::getenv(name); }

std::string render(std::string_view file, const std::vector<ConfigError>& errors) {
  std::string text;
  for (const auto& error : errors) {
    text += file;
    if (error.line > 0) text += ":" + std::to_string(error.line);
    text += ": " + (error.pointer.empty() ? "/" : error.pointer) + ": " + error.message + "\n";
  }
  return text;
}

}  // namespace gatehouse::config
