#include "http/head_guard.h"

#include <algorithm>
#include <array>

#include "http/ascii.h"
#include "http/method.h"

namespace gatehouse::http {

namespace {

// RFC 9110 5.6.2.
constexpr auto kTokenBytes = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// Visible ASCII, blanks, and obs-text (RFC 9110 5.5).
constexpr auto kValueBytes = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 256; ++c) table[c] = c != 0x7f;
  table['\t'] = true;
  return table;
}();

bool all_of(const std::array<bool, 256>& table, std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [&table](char c) { return table[static_cast<unsigned char>(c)]; });
}

bool is_token(std::string_view text) { return !text.empty() && all_of(kTokenBytes, text); }

bool is_version(std::string_view text) {
  return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
         is_digit(text[7]);
}

bool is_spoken_version(std::string_view text) { return text == "HTTP/1.1" || text == "HTTP/1.0"; }

Refusal check_method_and_version(std::string_view method, std::string_view version) {
  if (!is_version(version)) return Refusal(400, "the request line does not end in a version");
  if (!is_spoken_version(version))
    return Refusal(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  return check_method(method);
}

Refusal check_request_line(std::string_view line, std::size_t target_bytes) {
  const auto first = line.find(' ');
  const auto method = line.substr(0, first);
  if (!is_token(method)) return Refusal(400, "the method is no token");
  if (first == std::string_view::npos) return Refusal(400, "the request line has no target");
  const auto second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return Refusal(400, "the request line has no version");
  const auto target = line.substr(first + 1, second - first - 1);
  const auto version = line.substr(second + 1);
  if (target.empty()) return Refusal(400, "two spaces in the request line");
  if (target.size() > target_bytes) return Refusal(414, "the request target is too long");
  for (const char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f) return Refusal(400, "a byte that no request target may hold");
  }
  return check_method_and_version(method, version);
}

Refusal check_status_line(std::string_view line) {
  if (!is_spoken_version(line.substr(0, 8)))
    return Refusal(502, "the version is not HTTP/1.1 or 1.0");
  const bool status = line.size() >= 12 && line[8] == ' ' && is_digit(line[9]) &&
                      is_digit(line[10]) && is_digit(line[11]);
  const bool reason = line.size() == 12 || (line.size() > 12 && line[12] == ' ');
  if (!status || !reason || line[9] == '0') return Refusal(502, "a bad status line");
  return Refusal();
}

Refusal check_field_line(std::string_view line, std::uint16_t status) {
  if (line.front() == ' ' || line.front() == '\t') return Refusal(status, "a folded field line");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return Refusal(status, "a field line without a colon");
  if (colon == 0) return Refusal(status, "an empty field name");
  if (!is_token(line.substr(0, colon))) return Refusal(status, "a field name that is no token");
  if (!all_of(kValueBytes, line.substr(colon + 1))) {
    return Refusal(status, "a control byte in a field value");
  }
  return Refusal();
}

}  // namespace

void HeadGuard::restart() {
  has_start_line_ = false;
  begin_ = line_begin_ = searched_ = end_ = fields_ = 0;
  refusal_ = Refusal();
}

HeadGuard::Verdict HeadGuard::refuse(std::uint16_t status, std::string_view why) {
  // What is wrong with a response is always told as a bad gateway.
  refusal_ = Refusal(kind_ == Kind::kRequest ? status : 502, why);
  return Verdict::kRefused;
}

Refusal HeadGuard::check_line(std::string_view line) {
  if (line.find('\r') != std::string_view::npos) return Refusal(400, "a CR without LF");
  if (has_start_line_) {
    if (++fields_ > limits_.fields) return Refusal(431, "too many fields");
    return check_field_line(line, 400);
  }
  has_start_line_ = true;
  return kind_ == Kind::kRequest ? check_request_line(line, limits_.target_bytes)
                                 : check_status_line(line);
}

HeadGuard::Verdict HeadGuard::look(base::Bytes bytes) {
  const auto text = base::as_text(bytes);
  while (true) {
    const auto newline = text.find('\n', searched_);
    if (newline == std::string_view::npos) return check_unfinished(text);
    searched_ = newline + 1;
    if (newline == line_begin_ || text[newline - 1] != '\r') return refuse(400, "an LF without CR");
    const auto line = text.substr(line_begin_, newline - 1 - line_begin_);
    line_begin_ = searched_;
    if (searched_ - begin_ > limits_.head_bytes) return refuse(431, "the head is too long");
    if (!line.empty()) {
      const auto refusal = check_line(line);
      if (refusal) return refuse(refusal.status, refusal.why);
    } else if (has_start_line_) {
      end_ = searched_;
      return Verdict::kWhole;
    } else if (begin_ == 0 && kind_ == Kind::kRequest) {
      begin_ = searched_;
    } else {
      return refuse(400, "empty lines before the start line");
    }
  }
}

// What can be said before the line's end has come, so that neither garbage nor a line without end
// keeps the connection until its time is over.
HeadGuard::Verdict HeadGuard::check_unfinished(std::string_view text) {
  const auto line = text.substr(line_begin_);
  // A CR that was the last byte of the call before counts as not yet looked at.
  const auto from = std::max(line_begin_, searched_ - std::min<std::size_t>(searched_, 1));
  const auto cr = text.find('\r', from);
  if (cr < text.size() && cr + 1 != text.size()) return refuse(400, "a CR without LF");
  searched_ = text.size();
  if (!has_start_line_ && !line.empty() && line.front() != '\r') {
    if (!kTokenBytes[static_cast<unsigned char>(line.front())]) {
      return refuse(400, line.front() == 0x16 ? "TLS on a port for plain HTTP"
                                              : "this does not begin like an HTTP message");
    }
    if (kind_ == Kind::kRequest && line.size() > limits_.target_bytes + 64) {
      return refuse(414, "the request line is too long");
    }
  }
  if (text.size() - begin_ > limits_.head_bytes) return refuse(431, "the head is too long");
  return Verdict::kMore;
}

}  // namespace gatehouse::http
