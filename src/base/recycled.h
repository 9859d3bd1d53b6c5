// Memory of strings and lists that live as long as one exchange: it comes from the thread's frames
// (frames.h) and goes back there, so that a request asks malloc for nothing, and a connection that
// waits for the next one holds nothing.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/frames.h"

namespace gatehouse::base {

// An allocator as the standard library takes them; all are equal, on every thread.
template <typename T>
struct Recycled {
  using value_type = T;

  Recycled() = default;
  template <typename U>
  Recycled(const Recycled<U>&) noexcept {}

  T* allocate(std::size_t n) { return static_cast<T*>(Frames::allocate(n * sizeof(T))); }
  void deallocate(T* memory, std::size_t n) noexcept { Frames::release(memory, n * sizeof(T)); }

  bool operator==(const Recycled&) const = default;
};

using Text = std::basic_string<char, std::char_traits<char>, Recycled<char>>;

// Empties a text, and gives its memory back.
inline void release(Text& text) {
  if (text.capacity() == Text().capacity()) {
    text.clear();
  } else {
    const Text gone(std::move(text));
  }
}

template <typename T>
using RecycledList = std::vector<T, Recycled<T>>;

// A base of objects that are made and destroyed with each exchange.
struct RecycledObject {
  static void* operator new(std::size_t size) { return Frames::allocate(size); }
  static void operator delete(void* memory, std::size_t size) { Frames::release(memory, size); }
};

}  // namespace gatehouse::base
