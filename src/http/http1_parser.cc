#include "http/http1_parser.h"

#include <algorithm>
#include <cstring>

namespace gatehouse::http {

namespace {

// Spans come whole when the bytes do, but llhttp does not promise it.
void extend(std::string_view& view, const char* at, std::size_t n) {
  view = view.empty() ? std::string_view(at, n) : std::string_view(view.data(), view.size() + n);
}

}  // namespace

struct Http1Parser::Callbacks {
  static Http1Parser& self(llhttp_t* l) { return *static_cast<Http1Parser*>(l->data); }

  static int refuse(llhttp_t* l, const char* why) {
    llhttp_set_error_reason(l, why);
    return HPE_USER;
  }

  static int on_method(llhttp_t* l, const char* at, std::size_t n) {
    extend(self(l).head_.method, at, n);
    return 0;
  }
  static int on_url(llhttp_t* l, const char* at, std::size_t n) {
    extend(self(l).head_.target, at, n);
    return 0;
  }
  static int on_status(llhttp_t* l, const char* at, std::size_t n) {
    extend(self(l).head_.reason, at, n);
    return 0;
  }

  static int on_header_field(llhttp_t* l, const char* at, std::size_t n) {
    auto& p = self(l);
    if (!p.in_head_) {
      if (p.between_name_and_value_) p.end_trailer();
      p.trailer_name_.append(at, n);
      return p.add_trailer_byte_count(n) ? 0 : refuse(l, "the trailers are too long");
    }
    if (p.head_.fields.empty() || p.between_name_and_value_) p.head_.fields.emplace_back();
    p.between_name_and_value_ = false;
    extend(p.head_.fields.back().name, at, n);
    return 0;
  }

  static int on_header_value(llhttp_t* l, const char* at, std::size_t n) {
    auto& p = self(l);
    p.between_name_and_value_ = true;
    if (!p.in_head_) {
      p.trailer_value_.append(at, n);
      return p.add_trailer_byte_count(n) ? 0 : refuse(l, "the trailers are too long");
    }
    extend(p.head_.fields.back().value, at, n);
    return 0;
  }

  // A value may be empty, and then has no span.
  static int on_header_value_complete(llhttp_t* l) {
    auto& p = self(l);
    if (!p.in_head_) {
      p.end_trailer();
      return p.trailer_bytes_ <= kTrailerBytes ? 0 : refuse(l, "too many trailers");
    }
    p.between_name_and_value_ = true;
    return 0;
  }

  // Whether there is a body, and which, is decided outside before llhttp goes on.
  static int on_headers_complete(llhttp_t* l) { return self(l).in_head_ ? HPE_PAUSED : 0; }

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
      s.on_method = on_method;
      s.on_url = on_url;
      s.on_status = on_status;
      s.on_header_field = on_header_field;
      s.on_header_value = on_header_value;
      s.on_header_value_complete = on_header_value_complete;
      s.on_headers_complete = on_headers_complete;
      s.on_body = on_body;
      s.on_chunk_header = on_chunk_header;
      s.on_chunk_extension_name = on_extension;
      s.on_chunk_extension_value = on_extension;
      s.on_message_complete = on_message_complete;
      return s;
    }();
    return all;
  }
};

Http1Parser::Http1Parser(HeadGuard::Kind kind)
    : type_(kind == HeadGuard::Kind::kRequest ? HTTP_REQUEST : HTTP_RESPONSE) {
  llhttp_init(&llhttp_, type_, &Callbacks::settings());
}

bool Http1Parser::parse_head(base::Bytes head) {
  llhttp_init(&llhttp_, type_, &Callbacks::settings());
  llhttp_.data = this;
  head_.method = head_.target = head_.reason = {};
  head_.fields.clear();
  trailers_.clear();
  trailer_name_.clear();
  trailer_value_.clear();
  extension_bytes_ = silent_bytes_ = trailer_bytes_ = trailer_fields_ = 0;
  between_name_and_value_ = ended_ = false;
  in_head_ = true;
  const auto text = base::as_text(head);
  const auto outcome = llhttp_execute(&llhttp_, text.data(), text.size());
  in_head_ = false;
  between_name_and_value_ = false;
  const bool whole =
      outcome == HPE_PAUSED && llhttp_get_error_pos(&llhttp_) == text.data() + text.size();
  if (!whole) {
    error_ = outcome == HPE_OK || outcome == HPE_PAUSED ? "the head does not end where it seemed to"
                                                        : llhttp_get_error_reason(&llhttp_);
    return false;
  }
  for (auto& field : head_.fields) field.value = without_blanks(field.value);
  head_.status = llhttp_get_status_code(&llhttp_);
  head_.minor_version = llhttp_get_http_minor(&llhttp_);
  return true;
}

bool Http1Parser::decode(base::MutableBytes input, Decoded& out) {
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

bool Http1Parser::add_trailer_byte_count(std::size_t n) {
  trailer_bytes_ += n;
  return trailer_bytes_ <= kTrailerBytes;
}

void Http1Parser::end_trailer() {
  between_name_and_value_ = false;
  if (trailer_name_.empty()) return;
  if (may_be_trailer(trailer_name_)) trailers_.add(trailer_name_, without_blanks(trailer_value_));
  trailer_name_.clear();
  trailer_value_.clear();
  // One field too many counts as too many bytes, which on_header_value_complete reports.
  if (++trailer_fields_ > kTrailerFields) trailer_bytes_ = kTrailerBytes + 1;
}

}  // namespace gatehouse::http
