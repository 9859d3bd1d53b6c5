// The coroutine of the house. A Task is lazy: nothing of it runs before it is awaited or spawned
// (loop.h). Its frame is destroyed with the Task; who awaits gets its value, or what it threw.
// A function that mostly need not wait is no coroutine itself: it does what it can when it is
// called, and gives back a Task that has ended (at_once()), which has no frame, or else one that
// goes on. So await what you call at once.
//
// Who is awaited runs after who awaits has been suspended, in a loop at the bottom of the stack
// (resume()): a chain of any length needs no stack, whatever the compiler makes of tail calls.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/frames.h"

namespace gatehouse::base {

namespace detail {

// What resume() goes on with on this thread.
inline constinit thread_local std::coroutine_handle<> next_to_run;

struct PromiseBase {
  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      next_to_run = ended.promise().awaiting;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { thrown = std::current_exception(); }

  static void* operator new(std::size_t size) { return Frames::allocate(size); }
  static void operator delete(void* frame, std::size_t size) noexcept {
    Frames::release(frame, size);
  }

  std::coroutine_handle<> awaiting;
  std::exception_ptr thrown;
};

// The value of a task that never had a frame.
template <class T>
struct Kept {
  T take() { return std::move(*value); }
  std::optional<T> value;
};
template <>
struct Kept<void> {
  void take() {}
};

template <class T>
struct Promise : PromiseBase {
  std::coroutine_handle<Promise> get_return_object() noexcept {
    return std::coroutine_handle<Promise>::from_promise(*this);
  }
  template <class U>
  void return_value(U&& u) {
    value.emplace(std::forward<U>(u));
  }
  T take() {
    if (thrown) std::rethrow_exception(std::move(thrown));
    return std::move(*value);
  }
  std::optional<T> value;
};

template <>
struct Promise<void> : PromiseBase {
  std::coroutine_handle<Promise> get_return_object() noexcept {
    return std::coroutine_handle<Promise>::from_promise(*this);
  }
  void return_void() const noexcept {}
  void take() {
    if (thrown) std::rethrow_exception(std::move(thrown));
  }
};

}  // namespace detail

// Runs `handle` until it waits for something, and all that it awaits or that awaits it meanwhile.
inline void resume(std::coroutine_handle<> handle) {
  while (handle) {
    detail::next_to_run = nullptr;
    handle.resume();
    handle = std::exchange(detail::next_to_run, nullptr);
  }
}

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  explicit Task(detail::Kept<T> kept) : kept_(std::move(kept)) {}
  Task(Task&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)), kept_(std::move(other.kept_)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(kept_, other.kept_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // To be awaited once.
  auto operator co_await() && noexcept { return Awaiting{*this}; }

 private:
  struct Awaiting {
    Task& task;
    bool await_ready() const noexcept { return !task.handle_; }
    void await_suspend(std::coroutine_handle<> who) const noexcept {
      task.handle_.promise().awaiting = who;
      detail::next_to_run = task.handle_;
    }
    T await_resume() const {
      return task.handle_ ? task.handle_.promise().take() : task.kept_.take();
    }
  };

  std::coroutine_handle<promise_type> handle_;
  [[no_unique_address]] detail::Kept<T> kept_;
};

// A task that has ended with `value`.
template <class T>
Task<T> at_once(T value) {
  return Task<T>(detail::Kept<T>{std::move(value)});
}
inline Task<void> at_once() { return Task<void>(detail::Kept<void>()); }

}  // namespace gatehouse::base
