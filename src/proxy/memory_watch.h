// Keeps the process within its memory: reads how much it uses, so that workers know when to take no
// more work, and has given back what is not needed.
#pragma once

#include <atomic>

#include "base/blocking_pool.h"
#include "base/loop.h"
#include "base/machine_memory.h"
#include "base/memory_budget.h"
#include "proxy/admission.h"
#include "proxy/worker.h"

namespace gatehouse::proxy {

// On control's loop. What is resident is what counts: it is for that that the kernel ends a
// process. Memory that was freed may stay resident, so it is given back whenever memory is short;
// else what nobody uses any more would refuse those who come.
class MemoryWatch {
 public:
  // Between two readings, and where half of the memory is used.
  static constexpr base::Duration kSeldom{250};
  static constexpr base::Duration kOften{50};
  static constexpr double kOftenFrom = 0.5;
  // Between two times that workers give back what they have, and idle connections end.
  static constexpr base::Duration kStep{500};
  // From one giving back of freed memory to the next; and no more than one part in kTrimShare of
  // the time goes into that, since malloc waits for it.
  static constexpr base::Duration kTrim{1'000};
  static constexpr int kTrimShare = 20;
  // Between two lines that say that requests are refused.
  static constexpr base::Duration kTell{60'000};

  // All outlive it; calls of `pool` have ended before it dies. `workers` may be filled later.
  MemoryWatch(base::MemoryBudget& budget, base::BlockingPool& pool, const Admission& connections,
              const Workers& workers)
      : budget_(budget), pool_(pool), connections_(connections), workers_(workers) {}

  // Ends with the loop.
  base::Task<void> run(base::Loop& loop);

 private:
  void look();
  int percent() const;
  void tell(base::TimePoint now);
  void save(base::TimePoint now);
  void trim(base::TimePoint now);

  base::MemoryBudget& budget_;
  base::BlockingPool& pool_;
  const Admission& connections_;
  const Workers& workers_;
  base::ResidentMemory resident_;
  base::TimePoint next_step_{};
  base::TimePoint next_line_{};
  bool saved_ = false;  // workers have been told that memory is short
  base::MemoryBudget::Level told_ = base::MemoryBudget::Level::kEnough;  // to the log
  std::atomic<bool> trimming_{false};
  std::atomic<base::TimePoint> next_trim_{base::TimePoint()};
};

}  // namespace gatehouse::proxy
