// Memory of coroutine frames: every call of a Task needs one, for a moment; and of what else lives
// no longer than an exchange (recycled.h). Freed frames are kept by size on the thread that freed
// them, so that the next call gets one without asking malloc.
#pragma once

#include <cstddef>

namespace gatehouse::base {

class Frames {
 public:
  static constexpr std::size_t kStep = 64;               // sizes are rounded up to a multiple of it
  static constexpr std::size_t kLargest = 4096;          // larger ones come from malloc
  static constexpr std::size_t kKept = 2 * 1024 * 1024;  // bytes that a thread keeps at most

  static void* allocate(std::size_t size);
  static void release(void* frame, std::size_t size) noexcept;
};

}  // namespace gatehouse::base
