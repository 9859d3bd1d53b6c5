// A way through all keys of a folder, slice by slice, so that a hundred thousand of them are never
// in memory at once and others have their turn between two slices.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "storage/storage.h"

namespace gatehouse::storage {

// On the thread of `storage`, which outlives it. What is stored or removed meanwhile may be met or
// not; what is there all the time is met once.
class FolderWalk {
 public:
  static constexpr std::size_t kSlice = 4096;  // a slice costs a look at the whole folder

  // `folder`: what the keys have before their last segment (Storage::list).
  FolderWalk(Storage& storage, std::string folder, std::size_t slice = kSlice)
      : storage_(storage), folder_(std::move(folder)), slice_(slice) {}

  // The keys that come next; none when it is over. Errors are the storage's, and end it.
  base::Task<base::Result<std::vector<std::string>>> next();
  // Whether next() would have nothing more.
  bool over() const { return over_; }

 private:
  Storage& storage_;
  std::string folder_;
  std::size_t slice_;
  std::string cursor_;
  bool over_ = false;
};

}  // namespace gatehouse::storage
