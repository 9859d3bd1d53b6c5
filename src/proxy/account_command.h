// gatehouse account show | rollover | deactivate: our accounts at ACME CAs.
#pragma once

#include <string>

#include "config/model.h"

namespace CLI {
class App;
}

namespace gatehouse::proxy {

// For the command line: blocks.
class AccountCommand {
 public:
  // Adds the word to `app`, which outlives it, as `config` does: where the file of --config is put.
  AccountCommand(CLI::App& app, std::string& config);
  AccountCommand(const AccountCommand&) = delete;
  AccountCommand& operator=(const AccountCommand&) = delete;

  bool is_chosen() const;
  // Prints what has come of it. Returns the exit status: 1 when it failed for any account, 2 when
  // the configuration has no such issuer.
  int run(const config::Config& config) const;

 private:
  CLI::App* word_;
  CLI::App* show_;
  CLI::App* rollover_;
  CLI::App* deactivate_;
  std::string issuer_;
  bool json_ = false;
  bool yes_ = false;
};

}  // namespace gatehouse::proxy
