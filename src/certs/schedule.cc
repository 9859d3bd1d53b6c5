#include "certs/schedule.h"

#include <algorithm>

namespace gatehouse::certs {

void Schedule::set(std::string_view name, base::WallTime due) {
  remove(name);
  const auto [key, added] = order_.emplace(due, std::string(name));
  entries_.emplace(std::string(name), Entry{due, std::nullopt});
  if (key == order_.begin()) changed_.set();
}

void Schedule::remove(std::string_view name) {
  const auto found = entries_.find(std::string(name));
  if (found == entries_.end()) return;
  const Key key(found->second.due, found->first);
  if (found->second.ready) {
    ready_.erase({*found->second.ready, key});
  } else {
    order_.erase(key);
  }
  entries_.erase(found);
}

std::optional<base::WallTime> Schedule::due(std::string_view name) const {
  const auto found = entries_.find(std::string(name));
  if (found == entries_.end()) return std::nullopt;
  return found->second.due;
}

std::vector<std::string> Schedule::names() const {
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const auto& [name, due] : entries_) names.push_back(name);
  return names;
}

base::Deadline Schedule::wake_at(base::WallTime now) const {
  base::Duration wait = kLongestWait;
  if (!order_.empty()) {
    const std::chrono::seconds left = order_.begin()->first - now;
    // Compared in seconds: a due time centuries away would not fit into milliseconds.
    if (left < kLongestWait) wait = left;
  }
  return base::Deadline(base::Clock::now() + std::max(wait, base::Duration(1)));
}

void Schedule::look_at_clock(base::WallTime now) {
  const bool set_back = latest_ != base::WallTime::min() && now < latest_ - kSetBack;
  latest_ = set_back ? now : std::max(latest_, now);
  if (!set_back) return;
  order_.clear();
  ready_.clear();
  for (auto& [name, entry] : entries_) {
    entry = Entry{now, std::nullopt};
    order_.emplace(now, name);
  }
}

void Schedule::find_ready(base::WallTime now) {
  while (!order_.empty() && order_.begin()->first <= now) {
    Key key = std::move(order_.extract(order_.begin()).value());
    const Urgency urgency = urgency_ ? urgency_(key.second) : Urgency::kBackground;
    entries_[key.second].ready = urgency;
    ready_.emplace(urgency, std::move(key));
  }
}

base::Task<std::optional<std::string>> Schedule::next() {
  while (!closed_) {
    const base::WallTime now = now_();
    look_at_clock(now);
    find_ready(now);
    if (!ready_.empty()) {
      std::string name = ready_.begin()->second.second;
      remove(name);
      co_return name;
    }
    changed_.reset();
    (void)co_await changed_.wait(wake_at(now));
  }
  co_return std::nullopt;
}

void Schedule::close() {
  closed_ = true;
  changed_.set();
}

}  // namespace gatehouse::certs
