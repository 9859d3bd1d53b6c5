// From the text of a configuration to a model that may be started, or to everything that is wrong
// with it.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/decoder.h"
#include "config/model.h"
#include "config/node.h"

namespace gatehouse::config {

// Reads, decodes and checks. All errors at once, in the order of their lines (kMostErrors at most).
// Reads files only where a secret names one.
std::expected<Config, std::vector<ConfigError>> load(std::string_view text,
                                                     const Environment& environment);

// The environment of this process.
const char* process_environment(const char* name);

// One line an error: "FILE:12: /sites/0/prxy: unknown key "prxy"; did you mean "proxy"?".
std::string render(std::string_view file, const std::vector<ConfigError>& errors);

}  // namespace gatehouse::config
