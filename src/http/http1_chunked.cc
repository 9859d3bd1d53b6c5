#include "http/http1_chunked.h"

#include <cstring>

namespace gatehouse::http {

namespace {

// All that llhttp must have seen to expect a chunked body.
constexpr std::string_view kHead = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace

struct Http1Chunked::Callbacks {
  static Http1Chunked& self(llhttp_t* l) { return *static_cast<Http1Chunked*>(l->data); }

  static int refuse(llhttp_t* l, const char* why) {
    llhttp_set_error_reason(l, why);
    return HPE_USER;
  }

  // Fields of the head above come without anybody to tell.
  static int on_header_field(llhttp_t* l, const char* at, std::size_t n) {
    if (l->data == nullptr) return 0;
    auto& p = self(l);
    if (p.after_value_) p.end_trailer();
    p.trailer_name_.append(at, n);
    return p.add_trailer_byte_count(n) ? 0 : refuse(l, "the trailers are too long");
  }

  static int on_header_value(llhttp_t* l, const char* at, std::size_t n) {
    if (l->data == nullptr) return 0;
    auto& p = self(l);
    p.after_value_ = true;
    p.trailer_value_.append(at, n);
    return p.add_trailer_byte_count(n) ? 0 : refuse(l, "the trailers are too long");
  }

  // A value may be empty, and then has no span.
  static int on_header_value_complete(llhttp_t* l) {
    if (l->data == nullptr) return 0;
    auto& p = self(l);
    p.end_trailer();
    return p.trailer_bytes_ <= kTrailerBytes ? 0 : refuse(l, "too many trailers");
  }

  static int on_body(llhttp_t* l, const char* at, std::size_t n) {
    auto& p = self(l);
    auto* from = const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(at));
    if (p.data_begin_ == nullptr) p.data_begin_ = p.data_end_ = from;
    if (p.data_end_ != from) std::memmove(p.data_end_, from, n);
    p.data_end_ += n;
    p.progressed_ = true;
    return 0;
  }

  static int on_chunk_header(llhttp_t* l) {
    self(l).progressed_ = true;
    return 0;
  }

  static int on_extension(llhttp_t* l, const char*, std::size_t n) {
    auto& p = self(l);
    p.extension_bytes_ += n;
    return p.extension_bytes_ <= kExtensionBytes ? 0
                                                 : refuse(l, "the chunk extensions are too long");
  }

  static int on_message_complete(llhttp_t* l) {
    self(l).ended_ = true;
    return HPE_PAUSED;
  }

  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t all = [] {
      llhttp_settings_t s;
      llhttp_settings_init(&s);
      s.on_header_field = on_header_field;
      s.on_header_value = on_header_value;
      s.on_header_value_complete = on_header_value_complete;
      s.on_body = on_body;
      s.on_chunk_header = on_chunk_header;
      s.on_chunk_extension_name = on_extension;
      s.on_chunk_extension_value = on_extension;
      s.on_message_complete = on_message_complete;
      return s;
    }();
    return all;
  }

  // A parser that has read the head.
  static const llhttp_t& ready() {
    static const llhttp_t made = [] {
      llhttp_t l;
      llhttp_init(&l, HTTP_REQUEST, &settings());
      llhttp_execute(&l, kHead.data(), kHead.size());
      return l;
    }();
    return made;
  }
};

void Http1Chunked::begin(bool chunked) {
  trailers_.clear();
  ended_ = false;
  if (!chunked) return;
  llhttp_ = Callbacks::ready();
  llhttp_.data = this;
  trailer_name_.clear();
  trailer_value_.clear();
  extension_bytes_ = silent_bytes_ = trailer_bytes_ = trailer_fields_ = 0;
  after_value_ = false;
}

bool Http1Chunked::decode(base::MutableBytes input, Decoded& out) {
  if (llhttp_get_errno(&llhttp_) == HPE_PAUSED) llhttp_resume(&llhttp_);
  data_begin_ = data_end_ = nullptr;
  progressed_ = false;
  const auto text = base::as_text(input);
  const auto outcome = llhttp_execute(&llhttp_, text.data(), text.size());
  const bool paused = outcome == HPE_PAUSED || outcome == HPE_PAUSED_UPGRADE;
  if (outcome != HPE_OK && !(paused && ended_)) {
    error_ = llhttp_get_error_reason(&llhttp_);
    return false;
  }
  silent_bytes_ = progressed_ ? 0 : silent_bytes_ + input.size();
  const auto most = kSilentBytes + (trailer_bytes_ == 0 ? 0 : kTrailerBytes);
  if (silent_bytes_ > most && !ended_) {
    error_ = "too much between the data of a chunked body";
    return false;
  }
  out.data = base::Bytes(data_begin_, static_cast<std::size_t>(data_end_ - data_begin_));
  out.ended = ended_;
  out.consumed = ended_ ? static_cast<std::size_t>(llhttp_get_error_pos(&llhttp_) - text.data())
                        : input.size();
  return true;
}

bool Http1Chunked::add_trailer_byte_count(std::size_t n) {
  trailer_bytes_ += n;
  return trailer_bytes_ <= kTrailerBytes;
}

void Http1Chunked::end_trailer() {
  after_value_ = false;
  if (trailer_name_.empty()) return;
  if (may_be_trailer(trailer_name_)) trailers_.add(trailer_name_, without_blanks(trailer_value_));
  trailer_name_.clear();
  trailer_value_.clear();
  // One field too many counts as too many bytes, which on_header_value_complete reports.
  if (++trailer_fields_ > kTrailerFields) trailer_bytes_ = kTrailerBytes + 1;
}

}  // namespace gatehouse::http
