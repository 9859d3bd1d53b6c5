#include "base/blocking_pool.h"

namespace gatehouse::base {

BlockingPool::BlockingPool(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back(&BlockingPool::work, this);
}

void BlockingPool::push(std::move_only_function<void()> f) {
  {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(f));
  }
  came_.notify_one();
}

void BlockingPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    came_.wait(lock, [this] { return joined_ || !calls_.empty(); });
    if (calls_.empty()) return;
    auto call = std::move(calls_.front());
    calls_.pop_front();
    lock.unlock();
    call();
    call = nullptr;
    lock.lock();
  }
}

void BlockingPool::join() {
  {
    const std::lock_guard lock(mutex_);
    joined_ = true;
  }
  came_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace gatehouse::base
