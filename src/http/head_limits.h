// Bounds on a message's head, whatever version carries it.
#pragma once

#include <cstddef>

namespace gatehouse::http {

struct HeadLimits {
  std::size_t head_bytes = 32 * 1024;   // start line and fields; 431 beyond
  std::size_t fields = 100;             // 431 beyond
  std::size_t target_bytes = 8 * 1024;  // 414 beyond

  HeadLimits() = default;
  HeadLimits(std::size_t head, std::size_t field_count, std::size_t target)
      : head_bytes(head), fields(field_count), target_bytes(target) {}
};

}  // namespace gatehouse::http
