// What the words of a configuration mean together: hosts, listeners, certificates, on demand.
#pragma once

#include <vector>

#include "config/model.h"
#include "config/node.h"

namespace gatehouse::config {

// Notes every contradiction. `root` is the tree that `config` was read from, for the lines.
void check(const Config& config, const Node& root, std::vector<ConfigError>& errors);

// Whether `name` is a host name in lower case: labels of letters, digits, "-" and "_".
bool is_host_name(std::string_view name);

}  // namespace gatehouse::config
