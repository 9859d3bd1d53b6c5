#include "base/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>

#include "base/log_rate.h"

namespace gatehouse::base::log {

namespace {

constexpr std::size_t kQueuedLines = 8192;

std::atomic<Level> threshold{Level::kInfo};
std::atomic<Format> shape{Format::kText};
constinit LogRate rate;

struct Sink {
  std::mutex mutex;  // guards the two below while they are made and ended
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::logger> logger;
};

Sink& sink() {
  static Sink one;
  return one;
}

std::shared_ptr<spdlog::logger> direct_logger() {
  auto out = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>("direct", std::move(out));
  logger->set_pattern("%v");
  logger->flush_on(spdlog::level::trace);
  return logger;
}

std::string_view level_name(Level level) {
  switch (level) {
    case Level::kDebug: return "debug";
    case Level::kInfo: return "info";
    case Level::kWarn: return "warn";
    case Level::kError: return "error";
  }
  return "info";
}

std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now - seconds).count();
  const std::time_t t = std::chrono::system_clock::to_time_t(seconds);
  std::tm utc{};
  ::gmtime_r(&t, &utc);
  char text[40];
  const auto n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return std::string(text, n) + fmt::format(".{:03}Z", millis);
}

// Text lines keep strangers' bytes from breaking the line or the terminal.
void append_text_value(std::string& out, std::string_view value) {
  const auto printable = [](char c) { return static_cast<unsigned char>(c) > 0x1f && c != 0x7f; };
  const bool plain = !value.empty() && value.find_first_of(" \"=\\") == std::string_view::npos &&
                     std::all_of(value.begin(), value.end(), printable);
  if (plain) {
    out += value;
  } else {
    append_json_string(out, value);
  }
}

std::string text_line(Level level, std::string_view message, Fields fields) {
  std::string line = timestamp();
  line += fmt::format(" {:5} ", level_name(level));
  line += message;
  for (const auto& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_text_value(line, field.value);
  }
  return line;
}

std::string json_line(Level level, std::string_view message, Fields fields) {
  std::string line = "{\"time\":\"" + timestamp() + "\",\"level\":\"";
  line += level_name(level);
  line += "\",\"message\":";
  append_json_string(line, message);
  for (const auto& field : fields) {
    line += ',';
    append_json_string(line, field.key);
    line += ':';
    if (field.is_number) {
      line += field.value;
    } else {
      append_json_string(line, field.value);
    }
  }
  line += '}';
  return line;
}

// Length of the well-formed UTF-8 sequence at the front of `text`, 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto tail = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef && tail(1) && tail(2)) {
    const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = lead == 0xed && byte(1) >= 0xa0;
    return overlong || surrogate ? 0 : 3;
  }
  if (lead >= 0xf0 && lead <= 0xf4 && tail(1) && tail(2) && tail(3)) {
    const bool overlong = lead == 0xf0 && byte(1) < 0x90;
    const bool too_high = lead == 0xf4 && byte(1) >= 0x90;
    return overlong || too_high ? 0 : 4;
  }
  return 0;
}

void put(Level level, std::string_view message, Fields fields) {
  const auto line = shape == Format::kJson ? json_line(level, message, fields)
                                           : text_line(level, message, fields);
  auto& s = sink();
  std::shared_ptr<spdlog::logger> logger;
  {
    std::lock_guard lock(s.mutex);
    logger = s.logger;
  }
  static const auto direct = direct_logger();
  (logger ? logger : direct)->info("{}", line);
}

void put_left_out(Level level, const char* sentence, std::uint64_t count) {
  put(level, "lines were left out: too many of one kind", {{"kind", sentence}, {"count", count}});
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const char c = text.front();
    const auto length = utf8_length(text);
    if (length == 0) {
      out += "\\ufffd";
    } else if (length > 1) {
      out += text.substr(0, length);
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

void configure(Level level, Format format) {
  threshold = level;
  shape = format;
  auto& s = sink();
  std::lock_guard lock(s.mutex);
  if (s.logger) return;
  s.pool = std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1);
  auto out = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::async_logger>(
      "gatehouse", std::move(out), s.pool, spdlog::async_overflow_policy::overrun_oldest);
  logger->set_pattern("%v");
  logger->flush_on(spdlog::level::trace);
  s.logger = std::move(logger);
}

void tell_left_out() { rate.collect(Clock::now(), put_left_out); }

void flush_and_stop() {
  rate.collect(TimePoint::max(), put_left_out);
  auto& s = sink();
  std::lock_guard lock(s.mutex);
  s.logger.reset();
  s.pool.reset();  // joins the thread after it has written what is queued
}

bool enabled(Level level) { return level >= threshold.load(std::memory_order_relaxed); }

void write(Level level, Sentence message, Fields fields) {
  if (!enabled(level)) return;
  if (level >= Level::kWarn) {
    const auto verdict = rate.take(level, message, Clock::now());
    if (verdict.left_out != 0) put_left_out(level, message.text(), verdict.left_out);
    if (!verdict.write) return;
  }
  put(level, message.text(), fields);
}

}  // namespace gatehouse::base::log
