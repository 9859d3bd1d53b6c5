// What a word of the command line works with that needs storage and CAs, but no server: all its
// own.
#pragma once

#include <optional>
#include <utility>

#include "base/blocking_pool.h"
#include "base/loop.h"
#include "base/resolver.h"
#include "config/model.h"
#include "storage/file_storage.h"

namespace gatehouse::proxy {

// One thread. Leases of storage keep it apart from servers that run.
class OwnLoop {
 public:
  explicit OwnLoop(const config::Config& config);
  ~OwnLoop() { blocking_.join(); }
  OwnLoop(const OwnLoop&) = delete;
  OwnLoop& operator=(const OwnLoop&) = delete;

  // Opens storage. Blocks. Errors: as storage::FileStorage::open.
  base::Result<void> open() { return storage_.open(); }
  // Runs the task to its end and returns its value. Blocks.
  template <class T>
  T run(base::Task<T> task) {
    std::optional<T> outcome;
    loop_.spawn(await(loop_, std::move(task), outcome), "the command");
    loop_.run();
    return std::move(*outcome);
  }

  base::Loop& loop() { return loop_; }
  base::BlockingPool& blocking() { return blocking_; }
  base::Resolver& resolver() { return resolver_; }
  storage::FileStorage& storage() { return storage_; }

 private:
  template <class T>
  static base::Task<void> await(base::Loop& loop, base::Task<T> task, std::optional<T>& outcome) {
    outcome = co_await std::move(task);
    loop.stop();
  }

  base::BlockingPool blocking_{2};
  base::Resolver resolver_;
  base::Loop loop_;
  storage::FileStorage storage_;
};

}  // namespace gatehouse::proxy
