#include "base/memory_budget.h"

namespace gatehouse::base {

void MemoryBudget::note(std::uint64_t used) {
  if (limit_ == 0) return;
  const double part = static_cast<double>(used) / static_cast<double>(limit_);
  const auto before = static_cast<std::size_t>(level());
  std::size_t now = 0;
  for (std::size_t i = 0; i < kFrom.size(); ++i) {
    const bool held = i < before;
    if (part >= (held ? kFrom[i] - kBack : kFrom[i])) now = i + 1;
  }
  fullness_.store(part, std::memory_order_relaxed);
  level_.store(static_cast<Level>(now), std::memory_order_relaxed);
}

}  // namespace gatehouse::base
