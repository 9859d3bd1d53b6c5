#include "storage/folder_walk.h"

namespace gatehouse::storage {

base::Task<base::Result<std::vector<std::string>>> FolderWalk::next() {
  if (over_) co_return std::vector<std::string>();
  auto keys = co_await storage_.list(folder_, cursor_, slice_);
  over_ = !keys || keys->size() < slice_;
  if (!over_) cursor_ = keys->back();
  co_return keys;
}

}  // namespace gatehouse::storage
