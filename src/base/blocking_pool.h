// A few threads for calls that wait (files, fsync, key generation, getaddrinfo), so that no loop
// ever does. Any loop may use one pool.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/loop.h"

namespace gatehouse::base {

class BlockingPool {
 public:
  // Calls that may wait for a thread at once; more are refused with kOverload.
  static constexpr std::size_t kQueued = 4096;

  explicit BlockingPool(std::size_t threads);
  // Waits for calls that run. Loops that await a call must still exist then.
  ~BlockingPool() { join(); }
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // Runs `f` on one of the threads and resumes the caller on its own loop with what it returned.
  // `f` returns a Result<T>, owns what it uses and touches nothing of the loop. Errors: those of
  // `f`; kOverload when the queue is full; kInternal when `f` threw.
  template <class F>
  Task<std::invoke_result_t<F&>> run(F f) {
    using R = std::invoke_result_t<F&>;
    if (queued_.fetch_add(1) >= kQueued) {
      queued_.fetch_sub(1);
      co_return fail(Code::kOverload, "too many blocking calls are waiting");
    }
    Answer<R> answer;
    submit(answer, std::move(f));
    co_await answer;
    co_return std::move(answer.call->result.value());
  }

  // Runs `f` on one of the threads, some time, and tells nobody. For giving things back; not
  // bounded, since what is given back was.
  template <class F>
  void detach(F f) {
    push(std::move(f));
  }

  // Whether no call of run() is queued or running: the loops that wait have been told of each.
  bool idle() const { return queued_.load() == 0; }

  // Waits until everything that was queued has run; nothing is taken any more. For stop order.
  void join();

 private:
  template <class R>
  struct Answer;
  // Outlives whichever goes first, the call or who waits for it.
  template <class R>
  struct Call {
    std::optional<R> result;
    Answer<R>* waiting = nullptr;  // of the loop's thread
  };
  template <class R>
  struct Answer : Waiting {
    ~Answer() {
      if (call) call->waiting = nullptr;
    }
    std::shared_ptr<Call<R>> call;
  };

  template <class R, class F>
  static R result_of(F& f) {
    try {
      return f();
    } catch (const std::exception& e) {
      return fail(Code::kInternal, std::string("a blocking call threw: ") + e.what());
    }
  }

  // An ordinary function: the lambdas with captures must not stand in a coroutine.
  template <class R, class F>
  void submit(Answer<R>& answer, F f) {
    auto& loop = Loop::current();
    answer.call = std::make_shared<Call<R>>();
    answer.call->waiting = &answer;
    push([this, &loop, call = answer.call, f = std::move(f)]() mutable {
      call->result.emplace(result_of<R>(f));
      loop.post([&loop, call = std::move(call)] {
        if (call->waiting != nullptr) loop.run_soon(*call->waiting);
      });
      queued_.fetch_sub(1);
    });
  }

  void push(std::move_only_function<void()> f);
  void work();

  std::atomic<std::size_t> queued_{0};
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::move_only_function<void()>> calls_;
  bool joined_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace gatehouse::base
