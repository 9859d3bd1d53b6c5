// Answers kept for a while: bounded, the least recently used one goes first.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.h"

namespace gatehouse::certs {

// One thread. V is copyable.
template <class V>
class TimedCache {
 public:
  explicit TimedCache(std::size_t bound) : bound_(bound) {}
  TimedCache(const TimedCache&) = delete;
  TimedCache& operator=(const TimedCache&) = delete;

  // Remembers `value` until `until`, replacing what was known.
  void put(std::string_view key, V value, base::TimePoint until) {
    erase(key);
    if (order_.size() >= bound_) {
      index_.erase(order_.back().key);
      order_.pop_back();
    }
    order_.push_front(Entry{std::string(key), std::move(value), until});
    index_.emplace(order_.front().key, order_.begin());
  }

  // What is known and not out of date at `now`, or null. Valid until the next call.
  const V* find(std::string_view key, base::TimePoint now) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    if (found->second->until <= now) {
      erase(key);
      return nullptr;
    }
    order_.splice(order_.begin(), order_, found->second);
    return &order_.front().value;
  }

  void erase(std::string_view key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return;
    const auto entry = found->second;
    index_.erase(found);
    order_.erase(entry);
  }

  std::size_t size() const { return order_.size(); }

 private:
  struct Entry {
    std::string key;
    V value;
    base::TimePoint until;
  };

  std::size_t bound_;
  std::list<Entry> order_;  // most recently used first; the index's keys look into it
  std::unordered_map<std::string_view, typename std::list<Entry>::iterator> index_;
};

}  // namespace gatehouse::certs
