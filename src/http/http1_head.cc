#include "http/http1_head.h"

#include <algorithm>
#include <array>

#include "http/ascii.h"
#include "http/eight_bytes.h"
#include "http/fields.h"
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

// How many bytes at the beginning of `text` a token may hold.
std::size_t token_size(std::string_view text) {
  std::size_t n = 0;
  while (n < text.size() && kTokenBytes[static_cast<unsigned char>(text[n])]) ++n;
  return n;
}

// Other than visible ASCII, blanks, and obs-text (RFC 9110 5.5).
bool has_control_byte(std::string_view value) {
  return may_have_control_byte(value) && std::ranges::any_of(value, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return (byte < 0x20 && byte != '\t') || byte == 0x7f;
         });
}

// Visible ASCII.
bool may_be_target(std::string_view text) {
  bool may = true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    may &= byte > 0x20 && byte < 0x7f;
  }
  return may;
}

bool is_version(std::string_view text) {
  return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
         is_digit(text[7]);
}

bool is_spoken_version(std::string_view text) { return text == "HTTP/1.1" || text == "HTTP/1.0"; }

}  // namespace

void Http1Head::restart() {
  has_start_line_ = false;
  bytes_ = nullptr;
  begin_ = line_begin_ = searched_ = end_ = 0;
  raw_.method = raw_.target = raw_.reason = raw_.field_lines = {};
  raw_.fields.clear();
  refusal_ = Refusal();
}

void Http1Head::release() {
  restart();
  base::RecycledList<RawField>().swap(raw_.fields);
}

Http1Head::Verdict Http1Head::refuse(std::uint16_t status, std::string_view why) {
  // What is wrong with a response is always told as a bad gateway.
  refusal_ = Refusal(kind_ == Kind::kRequest ? status : 502, why);
  return Verdict::kRefused;
}

Refusal Http1Head::read_request_line(std::string_view line) {
  const auto method_size = token_size(line);
  if (method_size == 0) return Refusal(400, "the method is no token");
  if (method_size == line.size()) return Refusal(400, "the request line has no target");
  if (line[method_size] != ' ') return Refusal(400, "the method is no token");
  raw_.method = line.substr(0, method_size);
  line.remove_prefix(method_size + 1);
  const auto target_size = line.find(' ');
  if (target_size == std::string_view::npos) {
    return Refusal(400, "the request line has no version");
  }
  raw_.target = line.substr(0, target_size);
  const auto version = line.substr(target_size + 1);
  if (raw_.target.empty()) return Refusal(400, "two spaces in the request line");
  if (raw_.target.size() > limits_.target_bytes) {
    return Refusal(414, "the request target is too long");
  }
  if (!may_be_target(raw_.target)) return Refusal(400, "a byte that no request target may hold");
  if (!is_spoken_version(version)) {
    return is_version(version) ? Refusal(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
                               : Refusal(400, "the request line does not end in a version");
  }
  raw_.minor_version = version.back() - '0';
  return check_method(raw_.method);
}

Refusal Http1Head::read_status_line(std::string_view line) {
  if (!is_spoken_version(line.substr(0, 8))) {
    return Refusal(502, "the version is not HTTP/1.1 or 1.0");
  }
  const bool status = line.size() >= 12 && line[8] == ' ' && is_digit(line[9]) &&
                      is_digit(line[10]) && is_digit(line[11]);
  const bool reason = line.size() == 12 || (line.size() > 12 && line[12] == ' ');
  const bool cr = line.find('\r') != std::string_view::npos;
  if (!status || !reason || cr || line[9] == '0') return Refusal(502, "a bad status line");
  raw_.minor_version = line[7] - '0';
  raw_.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  raw_.reason = line.size() > 13 ? line.substr(13) : std::string_view();
  return Refusal();
}

Refusal Http1Head::read_field_line(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return Refusal(400, "a folded field line");
  const auto name_size = line.find(':');
  if (name_size == std::string_view::npos) return Refusal(400, "a field line without a colon");
  if (name_size == 0) return Refusal(400, "an empty field name");
  const auto name = line.substr(0, name_size);
  const auto known = known_field(name);
  if (known == FieldName::kOther && token_size(name) != name_size) {
    return Refusal(400, "a field name that is no token");
  }
  const auto value = line.substr(name_size + 1);
  if (has_control_byte(value)) return Refusal(400, "a control byte in a field value");
  raw_.fields.push_back(RawField{name, without_blanks(value), known});
  return Refusal();
}

Refusal Http1Head::read_line(std::string_view line) {
  if (has_start_line_) {
    if (raw_.fields.size() >= limits_.fields) return Refusal(431, "too many fields");
    return read_field_line(line);
  }
  has_start_line_ = true;
  fields_begin_ = searched_;
  return kind_ == Kind::kRequest ? read_request_line(line) : read_status_line(line);
}

// The bytes have moved: so do the views.
void Http1Head::follow(const char* bytes) {
  const auto move = [this, bytes](std::string_view& view) {
    if (!view.empty()) view = std::string_view(bytes + (view.data() - bytes_), view.size());
  };
  if (bytes_ != nullptr && bytes_ != bytes) {
    move(raw_.method);
    move(raw_.target);
    move(raw_.reason);
    for (auto& field : raw_.fields) {
      move(field.name);
      move(field.value);
    }
  }
  bytes_ = bytes;
}

Http1Head::Verdict Http1Head::look(base::Bytes bytes) {
  const auto text = base::as_text(bytes);
  follow(text.data());
  if (raw_.fields.capacity() == 0) raw_.fields.reserve(16);
  while (true) {
    const auto newline = text.find('\n', searched_);
    if (newline == std::string_view::npos) return check_unfinished(text);
    searched_ = newline + 1;
    if (newline == line_begin_ || text[newline - 1] != '\r') return refuse(400, "an LF without CR");
    const auto line = text.substr(line_begin_, newline - 1 - line_begin_);
    line_begin_ = searched_;
    if (searched_ - begin_ > limits_.head_bytes) return refuse(431, "the head is too long");
    if (!line.empty()) {
      const auto refusal = read_line(line);
      const bool cr = refusal && line.find('\r') != std::string_view::npos;
      if (cr) return refuse(400, "a CR without LF");
      if (refusal) return refuse(refusal.status, refusal.why);
    } else if (has_start_line_) {
      end_ = searched_;
      raw_.field_lines = text.substr(fields_begin_, newline - 1 - fields_begin_);
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
Http1Head::Verdict Http1Head::check_unfinished(std::string_view text) {
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
