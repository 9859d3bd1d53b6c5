// Reads a head of HTTP/1.1 line by line as its bytes arrive, once and strictly: what parsers have
// been seen to read in two ways is refused, such as bare LF, lone CR, folded lines, empty names,
// HTTP/0.9 and made-up versions, two spaces in the request line (RFC 9112 2.2, 3, 5). Bounds it as
// well. What the fields say is checked by framing.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/buffer.h"
#include "base/recycled.h"
#include "http/field_name.h"
#include "http/head_limits.h"
#include "http/refusal.h"

namespace gatehouse::http {

struct RawField {
  std::string_view name;
  std::string_view value;  // without blanks at its ends
  FieldName known;         // which name it is
};

// A head as its bytes say it: views into them.
struct RawHead {
  std::string_view method;  // of a request
  std::string_view target;
  int status = 0;  // of a response
  std::string_view reason;
  int minor_version = 1;
  base::RecycledList<RawField> fields;
  std::string_view field_lines;  // all of them, from the first name to the last line's end
};

class Http1Head {
 public:
  enum class Kind : std::uint8_t { kRequest, kResponse };
  enum class Verdict : std::uint8_t { kMore, kWhole, kRefused };

  Http1Head(Kind kind, HeadLimits limits) : limits_(limits), kind_(kind) {}

  // Forgets the last head.
  void restart();
  // And gives its memory back.
  void release();

  // `bytes`: all that has come of this message, at each call the same and more, maybe elsewhere in
  // memory. One empty line before a request is skipped (RFC 9112 2.2), a second one is refused.
  Verdict look(base::Bytes bytes);

  // Once kWhole: the head, within the bytes of the last look().
  const RawHead& raw() const { return raw_; }
  // Where it lies in them, from its start line through its empty line.
  std::size_t begin() const { return begin_; }
  std::size_t end() const { return end_; }
  const Refusal& refusal() const { return refusal_; }
  // Refuses for a reason that is not in the bytes.
  void give_up(std::uint16_t status, std::string_view why) { refusal_ = Refusal(status, why); }

 private:
  Verdict refuse(std::uint16_t status, std::string_view why);
  Verdict check_unfinished(std::string_view text);
  Refusal read_line(std::string_view line);
  Refusal read_request_line(std::string_view line);
  Refusal read_status_line(std::string_view line);
  Refusal read_field_line(std::string_view line);
  void follow(const char* bytes);

  HeadLimits limits_;
  Kind kind_;
  bool has_start_line_ = false;
  const char* bytes_ = nullptr;   // where the views lie
  std::size_t begin_ = 0;         // of the head
  std::size_t line_begin_ = 0;    // of the line under way
  std::size_t searched_ = 0;      // no LF before this
  std::size_t fields_begin_ = 0;  // behind the start line
  std::size_t end_ = 0;
  RawHead raw_;
  Refusal refusal_;
};

}  // namespace gatehouse::http
