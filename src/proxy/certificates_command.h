// gatehouse certificates list | show NAME | renew NAME… .
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace gatehouse::proxy {

// Adds the word with its words below. Once one of these was given, `chosen` does it and returns the
// exit status. `config` is the value of --config, which each takes; both outlive the parsing.
// Returns the word, for others to add theirs.
CLI::App* add_certificates_command(CLI::App& app, std::string& config,
                                   std::function<int()>& chosen);

}  // namespace gatehouse::proxy
