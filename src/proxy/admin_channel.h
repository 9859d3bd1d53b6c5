// The way from the command line to the certificates of a configuration: through the gatehouse that
// runs with it, or into its storage when none does. Blocks; on no loop's thread.
#pragma once

#include <string>

#include "base/error.h"
#include "config/model.h"
#include "proxy/admin_routes.h"

namespace gatehouse::proxy {

class AdminChannel {
 public:
  // An answer that a person may have to wait for, a renewal's, comes within
  // Instructions::kLongestWait.
  static constexpr base::Duration kPatience{60'000};
  static constexpr base::Duration kLongPatience{660'000};
  static constexpr base::Duration kHealthTime{5'000};
  static constexpr std::size_t kLargestAnswer = 16 * 1024 * 1024;  // bytes

  // Finds out whether a gatehouse runs that can be told: it listens at `admin` and shows that it
  // knows the token in this storage. `config` outlives the channel. Errors: kDenied when the token
  // may not be read; kTimeout when who listens does not answer; kRefused when somebody else
  // listens at an address that the configuration names (at the default one, that is as if nobody
  // did).
  static base::Result<AdminChannel> open(const config::Config& config);

  bool running() const { return !token_.empty(); }
  // Answers as docs/admin.md says. Without a running gatehouse from storage: a renewal is written
  // down there for the next start, and `wait` must not be asked for. Errors: those of connecting
  // and reading; of storage.
  base::Result<AdminAnswer> ask(AdminRequest request) const;

 private:
  AdminChannel(const config::Config& config, std::string token)
      : config_(&config), token_(std::move(token)) {}

  const config::Config* config_;
  std::string token_;  // empty: none runs
};

// Where a configuration's storage lies.
std::string data_folder_of(const config::Config& config);

}  // namespace gatehouse::proxy
