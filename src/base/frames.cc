#include "base/frames.h"

#include <array>
#include <cstdint>
#include <new>

namespace gatehouse::base {

namespace {

struct Free {
  Free* next;
};

struct Kept {
  Free* first = nullptr;
  std::size_t bytes = 0;
};

using Shelf = std::array<Kept, Frames::kLargest / Frames::kStep + 1>;

// Neither has a destructor, so that reaching them costs no look at whether they live already.
constinit thread_local bool open = true;
constinit thread_local Shelf shelf{};

// Goes with its thread; frames that are freed later go straight back.
struct Emptier {
  void begin() {}
  ~Emptier();
};
thread_local Emptier emptier;

Emptier::~Emptier() {
  open = false;
  for (auto& kept : shelf) {
    while (kept.first != nullptr) {
      auto* const next = kept.first->next;
      ::operator delete(static_cast<void*>(kept.first));
      kept.first = next;
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
  if (size > kLargest || !open) return ::operator new(step * kStep);
  auto& kept = shelf[step];
  if (kept.first == nullptr) return ::operator new(step * kStep);
  auto* const frame = kept.first;
  kept.first = frame->next;
  kept.bytes -= step * kStep;
  return frame;
}

void Frames::release(void* frame, std::size_t size) noexcept {
  const auto step = step_of(size);
  const bool keep = size <= kLargest && open && shelf[step].bytes < kKept;
  if (!keep) return ::operator delete(frame);
  auto& kept = shelf[step];
  if (kept.first == nullptr) emptier.begin();
  kept.first = new (frame) Free{kept.first};
  kept.bytes += step * kStep;
}

#endif

}  // namespace gatehouse::base
