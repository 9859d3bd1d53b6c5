// Chunked bodies and their trailers (RFC 9112 7.1), by llhttp, strict as it comes, behind a plain
// interface and within bounds.
#pragma once

#include <llhttp.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "http/fields.h"

namespace gatehouse::http {

// Bounds on what surrounds the data of a chunked body.
inline constexpr std::size_t kExtensionBytes = 1024;  // of chunk extensions in one body
inline constexpr std::size_t kTrailerBytes = 8 * 1024;
inline constexpr std::size_t kTrailerFields = 32;
inline constexpr std::size_t kSilentBytes = 4 * 1024;  // framing without any data in between

class Http1Chunked {
 public:
  Http1Chunked() = default;
  Http1Chunked(const Http1Chunked&) = delete;
  Http1Chunked& operator=(const Http1Chunked&) = delete;

  // Forgets the last body, its trailers included; `chunked`: another one begins.
  void begin(bool chunked);

  // What a call of decode() found.
  struct Decoded {
    base::Bytes data;          // in the memory given, moved together to its beginning
    std::size_t consumed = 0;  // all, unless the body ended
    bool ended = false;
  };
  // The next bytes of the body that begin() announced. False when they break the grammar or a
  // bound: error(). Trailers that may not stand there are left out.
  bool decode(base::MutableBytes input, Decoded& out);
  const Fields& trailers() const { return trailers_; }

  // Why the last call said no: a short phrase that lives as long as the program or this.
  std::string_view error() const { return error_; }

 private:
  struct Callbacks;

  bool add_trailer_byte_count(std::size_t n);
  void end_trailer();

  llhttp_t llhttp_{};
  std::string_view error_;
  bool after_value_ = false;            // of a trailer
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
