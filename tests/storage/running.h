#pragma once

#include <filesystem>
#include <optional>
#include <utility>

#include "storage/file_storage.h"

namespace gatehouse::storage {

// A storage with what it needs to run on.
class Running {
 public:
  explicit Running(const std::filesystem::path& root) : storage(loop, pool, root) {}
  ~Running() { pool.join(); }

  template <class T>
  T wait(base::Task<T> task) {
    std::optional<T> result;
    loop.spawn(into(std::move(task), result), "test");
    loop.run();
    return std::move(*result);
  }

  base::Loop loop;
  base::BlockingPool pool{2};
  FileStorage storage;

 private:
  template <class T>
  base::Task<void> into(base::Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
    loop.stop();
  }
};

}  // namespace gatehouse::storage
