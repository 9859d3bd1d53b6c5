// Looks after what others change in storage, processes that share it and commands, so that what was
// revoked is not served on and what was renewed is served; and tells them what this one changes.
#pragma once

#include <string>
#include <vector>

#include "base/event.h"
#include "certs/changes.h"
#include "certs/schedule.h"

namespace gatehouse::certs {

class Instructions;

// On control's loop.
class ChangeWatch {
 public:
  // From one look to the next; so much later than it happened others are told, too.
  static constexpr base::Duration kPause{60'000};
  // After more changes than the record of changes holds, all that is served is looked at, so many
  // certificates between two looks.
  static constexpr std::size_t kSlice = 256;

  // All outlive it. `renewals` knows what is served.
  struct Parts {
    base::Loop& loop;
    storage::Storage& storage;
    const Schedule& renewals;
    base::Duration pause = kPause;
  };

  explicit ChangeWatch(Parts parts);
  ChangeWatch(const ChangeWatch&) = delete;
  ChangeWatch& operator=(const ChangeWatch&) = delete;

  // What changes from now on is news. Before the first certificate is read; once.
  base::Task<void> begin();
  // Works until it is stopped, and tells then what is to be told yet.
  base::Task<void> run(Instructions& instructions);
  // This process has stored a certificate. Others are told at the next look.
  void note(std::string label);
  // Tells others at once. What cannot be told is told at the next look of run().
  base::Task<void> tell(std::vector<std::string> labels);

  void recheck() { wake_.set(); }
  void stop();

 private:
  base::Task<void> tell_noted();
  base::Task<void> look_for_news();

  Parts parts_;
  Changes changes_;
  base::Event wake_;
  bool stopping_ = false;
  bool failing_ = false;             // storage takes nothing, which has been said
  std::vector<std::string> noted_;   // one more than Changes::kLabels at most
  std::vector<std::string> to_see_;  // labels
};

}  // namespace gatehouse::certs
