// Looks at the raw bytes of a head before the parser does, line by line as they arrive, and refuses
// what parsers have been seen to accept: bare LF, lone CR, folded lines, empty names, HTTP/0.9 and
// made-up versions, two spaces in the request line (RFC 9112 2.2, 3, 5). Bounds it as well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/buffer.h"
#include "http/refusal.h"

namespace gatehouse::http {

struct HeadLimits {
  std::size_t head_bytes = 32 * 1024;   // start line and fields; 431 beyond
  std::size_t fields = 100;             // 431 beyond
  std::size_t target_bytes = 8 * 1024;  // 414 beyond

  HeadLimits() = default;
  HeadLimits(std::size_t head, std::size_t field_count, std::size_t target)
      : head_bytes(head), fields(field_count), target_bytes(target) {}
};

class HeadGuard {
 public:
  enum class Kind : std::uint8_t { kRequest, kResponse };
  enum class Verdict : std::uint8_t { kMore, kWhole, kRefused };

  HeadGuard(Kind kind, HeadLimits limits) : limits_(limits), kind_(kind) {}

  // Forgets the last head.
  void restart();

  // `bytes`: all that has come of this message, at each call the same and more. One empty line
  // before a request is skipped (RFC 9112 2.2), a second one is refused. Once kWhole: head().
  Verdict look(base::Bytes bytes);

  // The whole head within `bytes` given to look(), from its start line through its empty line.
  std::size_t begin() const { return begin_; }
  std::size_t end() const { return end_; }
  const Refusal& refusal() const { return refusal_; }
  // Refuses for a reason that is not in the bytes.
  void give_up(std::uint16_t status, std::string_view why) { refusal_ = Refusal(status, why); }

 private:
  Verdict refuse(std::uint16_t status, std::string_view why);
  Verdict check_unfinished(std::string_view text);
  Refusal check_line(std::string_view line);

  HeadLimits limits_;
  Kind kind_;
  bool has_start_line_ = false;
  std::size_t begin_ = 0;       // of the head
  std::size_t line_begin_ = 0;  // of the line under way
  std::size_t searched_ = 0;    // no LF before this
  std::size_t end_ = 0;
  std::size_t fields_ = 0;
  Refusal refusal_;
};

}  // namespace gatehouse::http
