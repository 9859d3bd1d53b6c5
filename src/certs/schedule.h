// What falls due when: ordered lists and one timer, no scans.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/event.h"
#include "base/loop.h"
#include "certs/urgency.h"

namespace gatehouse::certs {

using WallClock = std::function<base::WallTime()>;

// Names and the wall-clock moments at which something is to be done about them. One loop.
class Schedule {
 public:
  // The wall clock is looked at this often at least, so that a clock that was set, or a machine
  // that slept, delays nothing by more.
  static constexpr base::Duration kLongestWait{3'600'000};
  // A clock that was set back by more makes everything due: the moments may be those of the wrong
  // clock. Who is woken for nothing says so by setting the moment again.
  static constexpr std::chrono::seconds kSetBack = std::chrono::minutes(30);

  // Of all that is due the most urgent goes first, by what `urgency` says of a name when it falls
  // due; by time alone without it.
  Schedule(base::Loop& loop, WallClock now,
           std::function<Urgency(std::string_view)> urgency = nullptr)
      : changed_(loop), now_(std::move(now)), urgency_(std::move(urgency)) {}
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  // Puts `name` down for `due`, instead of any earlier entry.
  void set(std::string_view name, base::WallTime due);
  void remove(std::string_view name);
  std::optional<base::WallTime> due(std::string_view name) const;
  // All that are put down, in no order.
  std::vector<std::string> names() const;
  std::size_t size() const { return entries_.size(); }

  // Waits for the next name that is due and takes it off. Nothing after close(). One task at a
  // time waits: it hands the work on and comes back.
  base::Task<std::optional<std::string>> next();
  // Wakes next() to look at the clock anew.
  void recheck() { changed_.set(); }
  void close();

 private:
  using Key = std::pair<base::WallTime, std::string>;
  struct Entry {
    base::WallTime due{};
    std::optional<Urgency> ready;  // it has fallen due, and is in ready_
  };

  base::Deadline wake_at(base::WallTime now) const;
  void look_at_clock(base::WallTime now);
  void find_ready(base::WallTime now);

  base::Event changed_;
  WallClock now_;
  bool closed_ = false;
  base::WallTime latest_ = base::WallTime::min();  // what the clock has shown
  std::function<Urgency(std::string_view)> urgency_;
  std::set<Key> order_;                      // what is not due yet
  std::set<std::pair<Urgency, Key>> ready_;  // what is
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace gatehouse::certs
