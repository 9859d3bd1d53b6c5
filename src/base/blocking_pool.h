// A few threads for calls that wait (files, fsync, key generation, getaddrinfo), so that no loop
// ever does. Any loop may use one pool.
#pragma once

#include <atomic>
#include <boost/asio/async_result.hpp>
#include <boost/asio/thread_pool.hpp>
#include <exception>
#include <type_traits>

#include "base/error.h"
#include "base/loop.h"

namespace gatehouse::base {

class BlockingPool {
 public:
  // Calls that may wait for a thread at once; more are refused with kOverload.
  static constexpr std::size_t kQueued = 4096;

  explicit BlockingPool(std::size_t threads) : pool_(threads) {}
  // Waits for calls that run. Loops that await a call must still exist then.
  ~BlockingPool() { pool_.join(); }
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
    Executor executor = co_await asio::this_coro::executor;
    R result = co_await submit<R>(executor, std::move(f));
    co_return result;
  }

  // Runs `f` on one of the threads, some time, and tells nobody. For giving things back; not
  // bounded, since what is given back was.
  template <class F>
  void detach(F f) {
    asio::post(pool_, std::move(f));
  }

  // Whether no call of run() is queued or running.
  bool idle() const { return queued_.load() == 0; }

  // Waits until no call is queued or running, then refuses nothing but is idle. For stop order.
  void join() { pool_.join(); }

 private:
  template <class R, class F>
  static R call(F& f) {
    try {
      return f();
    } catch (const std::exception& e) {
      return fail(Code::kInternal, std::string("a blocking call threw: ") + e.what());
    }
  }

  // An ordinary function: the lambdas with captures must not stand in a coroutine.
  template <class R, class F>
  Task<R> submit(Executor executor, F f) {
    auto start = [this, executor](auto handler, F call_this) {
      auto work = asio::make_work_guard(executor);
      asio::post(pool_, [this, executor, work = std::move(work), handler = std::move(handler),
                         call_this = std::move(call_this)]() mutable {
        R result = call<R>(call_this);
        queued_.fetch_sub(1);
        // The guard goes with the answer: once that is posted, the loop may end and be destroyed.
        asio::post(executor,
                   [handler = std::move(handler), result = std::move(result),
                    work = std::move(work)]() mutable { std::move(handler)(std::move(result)); });
      });
    };
    return asio::async_initiate<const asio::use_awaitable_t<Executor>&, void(R)>(
        std::move(start), use_task, std::move(f));
  }

  std::atomic<std::size_t> queued_{0};
  asio::thread_pool pool_;
};

}  // namespace gatehouse::base
