#include "http/http2_memory.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/frames.h"

namespace gatehouse::http {

namespace {

// In front of each piece, for nghttp2 does not say how large it was when it gives it back.
struct alignas(std::max_align_t) Size {
  std::size_t bytes;
};

Size* size_of(void* memory) { return static_cast<Size*>(memory) - 1; }

void* allocate(std::size_t bytes, void*) {
  auto* const size = static_cast<Size*>(base::Frames::allocate(sizeof(Size) + bytes));
  size->bytes = bytes;
  return size + 1;
}

void release(void* memory, void*) {
  if (memory == nullptr) return;
  auto* const size = size_of(memory);
  base::Frames::release(size, sizeof(Size) + size->bytes);
}

void* allocate_zeros(std::size_t count, std::size_t each, void*) {
  return std::memset(allocate(count * each, nullptr), 0, count * each);
}

void* reallocate(void* memory, std::size_t bytes, void*) {
  auto* const next = allocate(bytes, nullptr);
  if (memory == nullptr) return next;
  std::memcpy(next, memory, std::min(bytes, size_of(memory)->bytes));
  release(memory, nullptr);
  return next;
}

}  // namespace

nghttp2_mem* http2_memory() {
  static nghttp2_mem memory{nullptr, allocate, release, allocate_zeros, reallocate};
  return &memory;
}

}  // namespace gatehouse::http
