#include "proxy/abuse_log.h"

#include "base/event.h"
#include "base/log.h"

namespace gatehouse::proxy {

void AbuseLog::tell() {
  for (std::size_t i = 0; i < told_.size(); ++i) {
    const auto kind = static_cast<base::Abuse>(i);
    const auto total = counters_.of(kind);
    const auto count = total - told_[i];
    if (count == 0) continue;
    told_[i] = total;
    base::log::info("refused for the site's safety",
                    {{"kind", base::name(kind)}, {"count", count}, {"total", total}});
  }
}

base::Task<void> AbuseLog::run(base::Loop& loop) {
  for (;;) {
    const auto next = base::Deadline::in(kEvery);
    co_await base::sleep_until(loop, next);
    tell();
    base::log::tell_left_out();
  }
}

}  // namespace gatehouse::proxy
