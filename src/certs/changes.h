// Which certificates' records in storage have changed lately: one small record, so that all
// processes that share the storage can look at it every minute and need not look at the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/loop.h"
#include "storage/storage.h"

namespace gatehouse::certs {

// Key: changes/latest. Changes are numbered on for as long as the record lives. On control's loop,
// or that of a command.
class Changes {
 public:
  static constexpr std::size_t kLabels = 256;  // that the record holds: the newest
  static constexpr base::Duration kLeaseTime{5'000};

  // What has changed since somebody looked last.
  struct News {
    bool all = false;  // more than the record holds
    std::vector<std::string> labels;
  };

  // `storage` outlives it.
  explicit Changes(storage::Storage& storage) : storage_(storage) {}

  // Tells all who look. Errors: storage's; kTimeout when others are at it.
  base::Task<base::Result<void>> add(std::vector<std::string> labels);
  // What others have added since the call before; the first time nothing. Errors: storage's; the
  // next call tells it then.
  base::Task<base::Result<News>> news();

 private:
  struct Known {
    std::uint64_t last = 0;  // the number of the newest; 0: there is no record
    std::vector<std::string> labels;
  };

  base::Task<base::Result<Known>> load();

  storage::Storage& storage_;
  std::optional<std::uint64_t> seen_;
};

}  // namespace gatehouse::certs
