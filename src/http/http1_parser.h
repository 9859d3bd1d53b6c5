// llhttp, strict as it comes, behind a plain interface: heads that are whole, and chunked bodies
// piece by piece. What it is given has passed the HeadGuard; what it says is checked by framing.h.
#pragma once

#include <llhttp.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "http/fields.h"
#include "http/head_guard.h"

namespace gatehouse::http {

struct RawField {
  std::string_view name;
  std::string_view value;
};

// A head as its bytes say it: views into them.
struct RawHead {
  std::string_view method;  // of a request
  std::string_view target;
  int status = 0;  // of a response
  std::string_view reason;
  int minor_version = 1;
  std::vector<RawField> fields;
};

// Bounds on what surrounds the data of a chunked body (RFC 9112 7.1).
inline constexpr std::size_t kExtensionBytes = 1024;  // of chunk extensions in one body
inline constexpr std::size_t kTrailerBytes = 8 * 1024;
inline constexpr std::size_t kTrailerFields = 32;
inline constexpr std::size_t kSilentBytes = 4 * 1024;  // framing without any data in between

class Http1Parser {
 public:
  explicit Http1Parser(HeadGuard::Kind kind);
  Http1Parser(const Http1Parser&) = delete;
  Http1Parser& operator=(const Http1Parser&) = delete;

  // Parses a head, from start line through empty line. False when llhttp refuses it: error().
  bool parse_head(base::Bytes head);
  const RawHead& head() const { return head_; }

  // What a call of decode() found.
  struct Decoded {
    base::Bytes data;          // in the memory given, moved together to its beginning
    std::size_t consumed = 0;  // all, unless the body ended
    bool ended = false;
  };
  // After a head with "Transfer-Encoding: chunked": the next bytes of the body. False when they
  // break the grammar or a bound: error(). Trailers that may not stand there are left out.
  bool decode(base::MutableBytes input, Decoded& out);
  Fields& trailers() { return trailers_; }

  // Why the last call said no: a short phrase that lives as long as the program or the parser.
  std::string_view error() const { return error_; }

 private:
  struct Callbacks;

  bool add_trailer_byte_count(std::size_t n);
  void end_trailer();

  llhttp_t llhttp_;
  llhttp_type_t type_;
  RawHead head_;
  std::string_view error_;
  bool in_head_ = false;
  bool between_name_and_value_ = false;

  // Of the chunked body.
  std::uint8_t* data_begin_ = nullptr;  // of the call under way
  std::uint8_t* data_end_ = nullptr;
  bool progressed_ = false;  // data or a chunk's head came in the call under way
  bool ended_ = false;
  std::size_t extension_bytes_ = 0;
  std::size_t silent_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::size_t trailer_fields_ = 0;
  std::string trailer_name_;
  std::string trailer_value_;
  Fields trailers_;
};

}  // namespace gatehouse::http
