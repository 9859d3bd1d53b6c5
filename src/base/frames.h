// Memory of coroutine frames: every call of a Task needs one, for a moment; and of what else lives
// no longer than an exchange (recycled.h). Freed frames are kept by size on the thread that freed
// them, so that the next call gets one without asking malloc.
#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace gatehouse::base {

class Frames {
 public:
  static constexpr std::size_t kStep = 64;       // sizes are rounded up to a multiple of it
  static constexpr std::size_t kLargest = 8192;  // larger ones come from malloc
  // Bytes that a thread keeps at most: what some thousand exchanges at once leave behind. With
  // less, each burst of HTTP/2 streams would ask malloc, and cost a third more.
  static constexpr std::size_t kKept = 16 * 1024 * 1024;

  static void* allocate(std::size_t size);
  static void release(void* frame, std::size_t size) noexcept;

 private:
  struct Free {
    Free* next;
  };
  // Freed frames by their size in steps.
  struct Shelf {
    std::array<Free*, kLargest / kStep + 1> sizes{};
    std::size_t bytes = 0;
    bool open = true;
  };
  struct Emptier;

  static constexpr std::size_t step_of(std::size_t size) { return (size + kStep - 1) / kStep; }
  static void keep_first(Free* frame, std::size_t step) noexcept;

  // Has no destructor, so that reaching it costs no look at whether it lives already.
  static constinit thread_local Shelf shelf_;
};

#ifndef GATEHOUSE_FRAMES_BY_MALLOC

inline void* Frames::allocate(std::size_t size) {
  const auto step = step_of(size);
  if (size > kLargest) return ::operator new(size);
  auto*& first = shelf_.sizes[step];
  if (first == nullptr) return ::operator new(step * kStep);
  auto* const frame = first;
  first = frame->next;
  shelf_.bytes -= step * kStep;
  return frame;
}

inline void Frames::release(void* frame, std::size_t size) noexcept {
  const auto step = step_of(size);
  const bool keep = size <= kLargest && shelf_.bytes < kKept && shelf_.open;
  if (!keep) return ::operator delete(frame);
  auto*& first = shelf_.sizes[step];
  shelf_.bytes += step * kStep;
  if (first == nullptr) return keep_first(new (frame) Free{nullptr}, step);
  first = new (frame) Free{first};
}

#endif

}  // namespace gatehouse::base
