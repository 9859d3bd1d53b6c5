#include "base/loop.h"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <exception>

#include "base/log.h"

namespace gatehouse::base {

namespace {
std::atomic<std::uint64_t> thrown{0};
}

std::uint64_t thrown_tasks() { return thrown.load(std::memory_order_relaxed); }

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

Loop::Loop() : context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO) {
  wheel_.emplace(context_);
  work_.emplace(context_.get_executor());
}

Loop::~Loop() { work_.reset(); }

void Loop::run() { context_.run(); }

void Loop::stop() { context_.stop(); }

void Loop::spawn(Task<void> task, const char* what) {
  asio::co_spawn(context_, std::move(task), [what](std::exception_ptr error) {
    if (error) note_thrown_task(error, what);
  });
}

}  // namespace gatehouse::base
