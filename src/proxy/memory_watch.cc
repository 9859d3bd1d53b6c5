#include "proxy/memory_watch.h"

#include <malloc.h>

#include <algorithm>

#include "base/log.h"
#include "http/idle_clients.h"

namespace gatehouse::proxy {

namespace log = base::log;

base::Task<void> MemoryWatch::run(base::Loop& loop) {
  look();
  if (budget_.is_short()) {
    log::warn("limits.memory is little more than what is used without any client: raise it",
              {{"limit", budget_.limit()}, {"used_percent", percent()}});
  }
  for (;;) {
    const bool near = budget_.fullness() >= kOftenFrom;
    const auto next = base::Deadline::in(near ? kOften : kSeldom);
    co_await base::sleep_until(loop, next);
    look();
  }
}

int MemoryWatch::percent() const { return static_cast<int>(budget_.fullness() * 100); }

void MemoryWatch::look() {
  const auto used = resident_.read();
  if (!used) return;  // without /proc there is nothing to go by
  budget_.note(*used);
  const auto now = base::Clock::now();
  tell(now);
  save(now);
  if (budget_.is_short()) trim(now);
}

void MemoryWatch::tell(base::TimePoint now) {
  const auto level = budget_.level();
  if (level == told_) return;
  told_ = level;
  log::debug("the level of memory has changed",
             {{"level", static_cast<int>(level)}, {"used_percent", percent()}});
  if (!budget_.refuses() || now < next_line_) return;
  next_line_ = now + kTell;
  log::warn("memory is short: new requests are refused", {{"limit", budget_.limit()},
                                                          {"used_percent", percent()},
                                                          {"connections", connections_.count()}});
}

void MemoryWatch::save(base::TimePoint now) {
  const bool needed = budget_.is_short() || budget_.fullness() >= http::IdleClients::kShrinkFrom;
  if (!needed && !saved_) return;
  if (now < next_step_) return;
  next_step_ = now + kStep;
  saved_ = needed;
  for (const auto& worker : workers_) worker->save_memory(budget_.ends_idle());
}

// Not on this thread: it may take a while, and signals and certificates wait here.
void MemoryWatch::trim(base::TimePoint now) {
  if (now < next_trim_.load() || trimming_.exchange(true)) return;
  pool_.detach([this] {
    const auto began = base::Clock::now();
    ::malloc_trim(0);
    const auto ended = base::Clock::now();
    const auto pause = (ended - began) * kTrimShare;
    next_trim_ = ended + std::max<base::Clock::duration>(pause, kTrim);
    trimming_ = false;
  });
}

}  // namespace gatehouse::proxy
