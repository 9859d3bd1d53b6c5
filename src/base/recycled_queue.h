// A queue that is mostly empty or short, and lives no longer than an exchange. One that was never
// used holds no memory, where std::deque allocates half a KiB at its beginning. What it holds is
// recycled (recycled.h).
#pragma once

#include <cstddef>
#include <utility>

#include "base/recycled.h"

namespace gatehouse::base {

// `T` is made from nothing and moved: what has left is one made from nothing until the queue is
// empty, or until as many have left as remain and there is no room for more. Not thread-safe.
template <typename T>
class RecycledQueue {
 public:
  RecycledQueue() = default;
  RecycledQueue(RecycledQueue&& other) noexcept
      : items_(std::move(other.items_)), first_(std::exchange(other.first_, 0)) {
    other.items_.clear();
  }
  RecycledQueue& operator=(RecycledQueue&& other) noexcept {
    items_ = std::move(other.items_);
    first_ = std::exchange(other.first_, 0);
    other.items_.clear();
    return *this;
  }

  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size() - first_; }
  // Not of an empty one.
  T& front() { return items_[first_]; }
  T& back() { return items_.back(); }

  void push_back(T item) {
    if (items_.size() == items_.capacity()) make_room();
    items_.push_back(std::move(item));
  }
  // Not of an empty one.
  void pop_front() {
    items_[first_] = T();
    if (++first_ == items_.size()) clear();
  }
  void clear() {
    items_.clear();
    first_ = 0;
  }

 private:
  static constexpr std::size_t kFew = 2;

  void make_room() {
    if (items_.capacity() == 0) items_.reserve(kFew);
    if (first_ < size()) return;  // it grows
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }

  RecycledList<T> items_;
  std::size_t first_ = 0;  // of those that have not left; less than the number of items, or 0
};

}  // namespace gatehouse::base
