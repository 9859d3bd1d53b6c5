#include "base/loop.h"

#include <algorithm>
#include <chrono>
#include <exception>

#include "base/log.h"

namespace gatehouse::base {

namespace {

std::atomic<std::uint64_t> thrown{0};
constinit thread_local Loop* current_loop = nullptr;

void note_thrown_task(std::exception_ptr error, const char* what) {
  thrown.fetch_add(1, std::memory_order_relaxed);
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    log::error("a task threw", {{"task", what}, {"error", e.what()}});
  } catch (...) {
    log::error("a task threw something unknown", {{"task", what}});
  }
}

// Loops are run inside others by tests alone.
class Current {
 public:
  explicit Current(Loop& loop) : before_(std::exchange(current_loop, &loop)) {}
  ~Current() { current_loop = before_; }

 private:
  Loop* before_;
};

}  // namespace

std::uint64_t thrown_tasks() { return thrown.load(std::memory_order_relaxed); }

// --- tasks ---

// The bottom of a task's stack: destroys itself at its end.
struct Loop::Root {
  struct promise_type : Ready {
    Root get_return_object() { return Root{*this}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
    void run() override { resume(std::coroutine_handle<promise_type>::from_promise(*this)); }

    static void* operator new(std::size_t size) { return Frames::allocate(size); }
    static void operator delete(void* frame, std::size_t size) noexcept {
      Frames::release(frame, size);
    }

    Rooted rooted;
  };
  promise_type& promise;
};

Loop::Root Loop::run_root(Task<void> task, const char* what, void (*ended)(void*), void* owner) {
  try {
    // So that nothing of it is left when its end is told.
    Task<void> own = std::move(task);
    co_await std::move(own);
  } catch (...) {
    note_thrown_task(std::current_exception(), what);
  }
  if (ended != nullptr) ended(owner);
}

void Loop::spawn(Task<void> task, const char* what, void (*ended)(void*), void* owner) {
  auto& promise = run_root(std::move(task), what, ended, owner).promise;
  promise.rooted.frame = std::coroutine_handle<Root::promise_type>::from_promise(promise);
  roots_.push_back(promise.rooted);
  ready_.push_back(promise);
}

// --- running ---

Loop::Loop() = default;

Loop::~Loop() {
  // What is dropped may post or spawn.
  while (!roots_.empty() || !ready_.empty() || posted_.load() != nullptr) {
    while (!roots_.empty()) roots_.front().frame.destroy();
    take_posted();
    while (!ready_.empty()) {
      auto& one = ready_.front();
      ready_.pop_front();
      one.drop();
    }
  }
}

Loop& Loop::current() { return *current_loop; }

void Loop::enqueue(Posted* posted) {
  if (current_loop == this) {
    ready_.push_back(*posted);
    return;
  }
  // What is in the list belongs to the loop's thread: it may be gone already.
  auto* before = posted_.load(std::memory_order_relaxed);
  do {
    posted->before = before;
  } while (!posted_.compare_exchange_weak(before, posted, std::memory_order_acq_rel));
  // Who finds others waiting leaves the waking to the first of them.
  if (before == nullptr) poller_.wake();
}

void Loop::take_posted() {
  if (posted_.load(std::memory_order_relaxed) == nullptr) return;
  auto place = ready_.end();
  for (auto* one = posted_.exchange(nullptr, std::memory_order_acquire); one != nullptr;) {
    auto* const before = one->before;
    place = ready_.insert(place, *one);  // the last one comes first
    one = before;
  }
}

int Loop::patience() const {
  const auto next = wheel_.next_tick();
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

std::size_t Loop::run_ready() {
  std::size_t ran = 0;
  for (int round = 0; round < kRounds && !ready_.empty(); ++round) {
    ReadyList now;
    now.swap(ready_);
    while (!now.empty()) {
      if (stopped_.load(std::memory_order_relaxed)) {
        ready_.splice(ready_.begin(), now);
        return ran;
      }
      auto& one = now.front();
      now.pop_front();
      ++ran;
      one.run();
    }
  }
  return ran;
}

void Loop::let_begin() {
  const auto count = std::max(kBegin, beginning_.size() / 4);
  for (std::size_t i = 0; i < count && !beginning_.empty(); ++i) {
    auto& one = beginning_.front();
    beginning_.pop_front();
    ready_.push_back(one);
  }
}

std::size_t Loop::turn(bool may_wait) {
  const Current here(*this);
  const bool nothing_to_do = ready_.empty() && beginning_.empty();
  poller_.take(may_wait && nothing_to_do ? patience() : 0, ready_);
  turn_began_ = std::chrono::steady_clock::now();
  take_posted();
  wheel_.advance(turn_began());
  const auto ran = run_ready();
  let_begin();
  return ran + run_ready();
}

void Loop::run() {
  while (!stopped_.load(std::memory_order_acquire)) turn(true);
  stopped_.store(false, std::memory_order_relaxed);
}

void Loop::stop() {
  stopped_.store(true, std::memory_order_release);
  poller_.wake();
}

}  // namespace gatehouse::base
