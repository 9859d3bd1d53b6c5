#include "base/frames.h"

#include <array>
#include <cstdint>
#include <new>

namespace gatehouse::base {

namespace {

struct Free {
  Free* next;
};

// Freed frames by their size in steps.
struct Shelf {
  std::array<Free*, Frames::kLargest / Frames::kStep + 1> sizes{};
  std::size_t bytes = 0;
  bool open = true;
};

// Has no destructor, so that reaching it costs no look at whether it lives already.
constinit thread_local Shelf shelf;

// Goes with its thread; frames that are freed later go straight back.
struct Emptier {
  void begin() {}
  ~Emptier();
};
thread_local Emptier emptier;

Emptier::~Emptier() {
  shelf.open = false;
  for (auto*& first : shelf.sizes) {
    while (first != nullptr) {
      auto* const next = first->next;
      ::operator delete(static_cast<void*>(first));
      first = next;
    }
  }
}

constexpr std::size_t step_of(std::size_t size) {
  return (size + Frames::kStep - 1) / Frames::kStep;
}

}  // namespace

// What looks for use after free has to see frames go.
#ifdef GATEHOUSE_FRAMES_BY_MALLOC

void* Frames::allocate(std::size_t size) { return ::operator new(size); }
void Frames::release(void* frame, std::size_t) noexcept { ::operator delete(frame); }

#else

void* Frames::allocate(std::size_t size) {
  const auto step = step_of(size);
  if (size > kLargest) return ::operator new(size);
  auto*& first = shelf.sizes[step];
  if (first == nullptr) return ::operator new(step * kStep);
  auto* const frame = first;
  first = frame->next;
  shelf.bytes -= step * kStep;
  return frame;
}

void Frames::release(void* frame, std::size_t size) noexcept {
  const auto step = step_of(size);
  const bool keep = size <= kLargest && shelf.open && shelf.bytes < kKept;
  if (!keep) return ::operator delete(frame);
  auto*& first = shelf.sizes[step];
  if (first == nullptr) emptier.begin();
  first = new (frame) Free{first};
  shelf.bytes += step * kStep;
}

#endif

}  // namespace gatehouse::base
