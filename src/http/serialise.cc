#include "http/serialise.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "http/websocket.h"

namespace gatehouse::http {

namespace {

constexpr std::size_t kAroundFields = 256;  // bytes of most start lines and of what follows them

// Appends all of them at once.
void append(base::Text& out, std::initializer_list<std::string_view> texts) {
  const auto begin = out.size();
  auto size = begin;
  for (const auto text : texts) size += text.size();
  out.resize_and_overwrite(size, [&](char* to, std::size_t) {
    to += begin;
    for (const auto text : texts) to = std::copy(text.begin(), text.end(), to);
    return size;
  });
}

void append_field(base::Text& out, std::string_view name, std::string_view value) {
  append(out, {name, ": ", value, kLineEnd});
}

class Digits {
 public:
  explicit Digits(std::uint64_t number)
      : end_(std::to_chars(digits_, digits_ + sizeof digits_, number).ptr) {}
  operator std::string_view() const { return {digits_, end_}; }

 private:
  char digits_[20];
  char* end_;
};

void append_length(base::Text& out, std::uint64_t length) {
  append(out, {"Content-Length: ", Digits(length), kLineEnd});
}

void append_status_line(base::Text& out, const ResponseHead& head) {
  const bool own_reason = !head.reason.empty() && !breaks_the_line(head.reason);
  const auto reason = own_reason ? std::string_view(head.reason) : reason_phrase(head.status);
  out.reserve(out.size() + head.fields.bytes() + kAroundFields);
  append(out, {"HTTP/1.1 ", Digits(head.status), " ", reason, kLineEnd});
}

bool needs_length_of_nothing(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

std::string_view date_now() {
  struct Made {
    std::time_t second = 0;
    std::array<char, 32> text{};
    std::size_t size = 0;
  };
  static thread_local Made made;
  const auto now = std::time(nullptr);
  if (now != made.second || made.size == 0) {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 32> format{};
    // Names by hand: strftime's depend on the locale.
    std::snprintf(format.data(), format.size(), "%s, %%d %s %%Y %%H:%%M:%%S GMT",
                  kDays[utc.tm_wday], kMonths[utc.tm_mon]);
    made.size = std::strftime(made.text.data(), made.text.size(), format.data(), &utc);
    made.second = now;
  }
  return std::string_view(made.text.data(), made.size);
}

void append_trailers(base::Text& out, const Fields& trailers) {
  for (const auto& field : trailers) {
    if (may_be_trailer(field.name)) append_field(out, field.name, field.value);
  }
}

ResponseFraming frame_response(const RequestHead& request, const ResponseHead& response,
                               bool close) {
  ResponseFraming framing;
  const bool old_client = request.version == Version::kHttp10;
  const bool bodiless =
      std::string_view(request.method) == "HEAD" || never_has_body(response.status);
  if (response.status == 205) {
    framing.says_length = true;  // of nothing (RFC 9110 15.3.6)
  } else if (bodiless) {
    if (response.status == 204) {
      framing.says_length = false;
    } else if (response.announced_length) {
      framing.says_length = true;
      framing.length = *response.announced_length;
    } else if (response.body == BodyKind::kLength && response.status != 304) {
      framing.says_length = true;
      framing.length = response.content_length;
    }
  } else if (response.body == BodyKind::kNone || response.body == BodyKind::kLength) {
    framing.kind = response.body;
    framing.says_length = true;
    framing.length = response.body == BodyKind::kNone ? 0 : response.content_length;
  } else {
    framing.kind = old_client ? BodyKind::kUntilClose : BodyKind::kChunked;
  }
  framing.close = close || framing.kind == BodyKind::kUntilClose ||
                  response.fields.has_token(FieldName::kConnection, "close");
  framing.says_keep_alive = old_client && !framing.close;
  return framing;
}

void append_response_head(base::Text& out, const ResponseHead& head,
                          const ResponseFraming& framing) {
  append_status_line(out, head);
  head.fields.append_lines(out, kFieldsOfConnection);
  if (!head.fields.has(FieldName::kDate)) append_field(out, "Date", date_now());
  if (framing.says_length) append_length(out, framing.length);
  if (framing.kind == BodyKind::kChunked) append_field(out, "Transfer-Encoding", "chunked");
  if (framing.close) append_field(out, "Connection", "close");
  if (framing.says_keep_alive) append_field(out, "Connection", "keep-alive");
  out += kLineEnd;
}

void append_interim_head(base::Text& out, const ResponseHead& head) {
  append_status_line(out, head);
  head.fields.append_lines(out, kFieldsOfConnection);
  out += kLineEnd;
}

void append_switch_head(base::Text& out, const ResponseHead& head, const RequestHead& request) {
  append_status_line(out, head);
  head.fields.append_lines(out, kFieldsOfConnection);
  const auto key = request.fields.find(FieldName::kSecWebSocketKey);
  if (key && !head.fields.has(FieldName::kSecWebSocketAccept)) {
    append_field(out, "Sec-WebSocket-Accept", websocket_accept(*key));
  }
  append_field(out, "Connection", "Upgrade");
  append_field(out, "Upgrade", request.upgrade);
  out += kLineEnd;
}

BodyKind frame_request(const RequestHead& head) {
  return head.body == BodyKind::kUntilClose ? BodyKind::kChunked : head.body;
}

void append_request_head(base::Text& out, const RequestHead& head) {
  out.reserve(head.target.size() + head.fields.bytes() + kAroundFields);
  append(out, {head.method, " ", head.target, " HTTP/1.1\r\nHost: ", head.authority, kLineEnd});
  head.fields.append_lines(out, kFieldsOfConnection);
  const bool trailers = head.fields.has_token(FieldName::kTe, "trailers");
  if (trailers) append_field(out, "TE", "trailers");
  if (!head.upgrade.empty()) {
    append_field(out, "Connection", trailers ? "TE, Upgrade" : "Upgrade");
    append_field(out, "Upgrade", head.upgrade);
  } else if (trailers) {
    append_field(out, "Connection", "TE");
  }
  if (head.expect_continue) append_field(out, "Expect", "100-continue");
  const auto kind = frame_request(head);
  if (kind == BodyKind::kLength) {
    append_length(out, head.content_length);
  } else if (kind == BodyKind::kChunked) {
    append_field(out, "Transfer-Encoding", "chunked");
  } else if (needs_length_of_nothing(head.method)) {
    append_length(out, 0);
  }
  out += kLineEnd;
}

}  // namespace gatehouse::http
