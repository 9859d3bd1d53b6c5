// gatehouse certificates export: a certificate of storage as files that other programs read.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"
#include "certs/record.h"
#include "config/model.h"

namespace CLI {
class App;
}

namespace gatehouse::proxy {

// For the command line: blocks.
class ExportCommand {
 public:
  // As ImportCommand.
  ExportCommand(CLI::App& certificates, std::string& config);
  ExportCommand(const ExportCommand&) = delete;
  ExportCommand& operator=(const ExportCommand&) = delete;

  bool is_chosen() const;
  // Writes fullchain.pem and privkey.pem (0600) into the folder, each whole or not at all, or both
  // to standard output; of a name with two kinds of key also fullchain_rsa.pem and privkey_rsa.pem.
  // Returns the exit status: 1 when storage has no certificate of that name for
  // a configured issuer, nor an imported one, or a file cannot be written.
  int run(const config::Config& config) const;

 private:
  struct Files {
    std::filesystem::path chain;
    std::filesystem::path key;
  };
  base::Result<Files> write(const certs::Record& record, const std::string& chain,
                            const std::string& key) const;

  CLI::App* word_;
  std::string name_;
  std::string folder_ = ".";
  bool to_stdout_ = false;
  bool json_ = false;
};

}  // namespace gatehouse::proxy
