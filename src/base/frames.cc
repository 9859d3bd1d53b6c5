#include "base/frames.h"

namespace gatehouse::base {

constinit thread_local Frames::Shelf Frames::shelf_;

// What looks for use after free has to see frames go.
#ifdef GATEHOUSE_FRAMES_BY_MALLOC

void* Frames::allocate(std::size_t size) { return ::operator new(size); }
void Frames::release(void* frame, std::size_t) noexcept { ::operator delete(frame); }

#else

// Goes with its thread; frames that are freed later go straight back.
struct Frames::Emptier {
  void begin() {}
  ~Emptier() {
    shelf_.open = false;
    for (auto*& first : shelf_.sizes) {
      while (first != nullptr) {
        auto* const next = first->next;
        ::operator delete(static_cast<void*>(first));
        first = next;
      }
    }
  }
};

void Frames::keep_first(Free* frame, std::size_t step) noexcept {
  static thread_local Emptier emptier;
  emptier.begin();
  shelf_.sizes[step] = frame;
}

#endif

}  // namespace gatehouse::base
