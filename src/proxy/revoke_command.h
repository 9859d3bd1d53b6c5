// gatehouse certificates revoke: says for ever that a certificate is not to be trusted.
#pragma once

#include <string>

#include "config/model.h"

namespace CLI {
class App;
}

namespace gatehouse::proxy {

// For the command line: blocks.
class RevokeCommand {
 public:
  // Adds the word below `certificates`, which outlives it, as `config` does: where the file of
  // --config is put.
  RevokeCommand(CLI::App& certificates, std::string& config);
  RevokeCommand(const RevokeCommand&) = delete;
  RevokeCommand& operator=(const RevokeCommand&) = delete;

  bool is_chosen() const;
  // Asks on a terminal, revokes, tells a server that runs, and prints what has come of it. Returns
  // the exit status: 1 when a certificate is not revoked, 2 when nobody can be asked.
  int run(const config::Config& config) const;

 private:
  CLI::App* word_;
  std::string name_;
  std::string reason_ = "unspecified";
  bool by_certificate_key_ = false;
  bool no_replace_ = false;
  bool yes_ = false;
  bool json_ = false;
};

}  // namespace gatehouse::proxy
