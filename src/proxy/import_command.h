// gatehouse certificates import: takes what other programs have obtained into storage.
#pragma once

#include <string>
#include <vector>

#include "certs/import.h"
#include "config/model.h"

namespace CLI {
class App;
}

namespace gatehouse::proxy {

// For the command line: blocks.
class ImportCommand {
 public:
  // Adds the word below `certificates`, which outlives it, as `config` does: where the file of
  // --config is put.
  ImportCommand(CLI::App& certificates, std::string& config);
  ImportCommand(const ImportCommand&) = delete;
  ImportCommand& operator=(const ImportCommand&) = delete;

  bool is_chosen() const;
  // Prints what has become of everything that was found. Returns the exit status: 1 when a source
  // cannot be read, nothing in it can be used, or storage fails.
  int run(const config::Config& config) const;

 private:
  base::Result<certs::Foreign> read() const;

  CLI::App* word_;
  std::vector<std::string> certificates_;  // files
  std::vector<std::string> keys_;          // of those, in the same order
  std::string certbot_;
  std::string lego_;
  std::string caddy_;
  std::string traefik_;
  certs::ImportOptions options_;
  bool json_ = false;
};

}  // namespace gatehouse::proxy
