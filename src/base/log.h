// The log of what the process does: one line a happening, text for people or JSON for machines.
// Lines are written by a thread of their own; a caller never waits for the disk. When the bounded
// queue is full, the oldest lines are dropped. From any thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace gatehouse::base::log {

enum class Level : std::uint8_t { kDebug, kInfo, kWarn, kError };
enum class Format : std::uint8_t { kText, kJson };

// A named value of a line.
struct Field {
  std::string_view key;
  std::string value;
  bool is_number = false;

  Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  template <std::integral N>
  Field(std::string_view k, N v) : key(k), value(std::to_string(v)), is_number(true) {}
};
using Fields = std::initializer_list<Field>;

// Sets what is written and how; standard error is where. Before this, text of level info. Call
// once at start, before other threads log.
void configure(Level level, Format format);
// Writes what is queued, and ends the writing thread; later lines go out at once. At exit.
void flush_and_stop();

bool enabled(Level level);
// `message` is a constant sentence without values, so that lines can be counted by it.
void write(Level level, std::string_view message, Fields fields = {});

inline void debug(std::string_view m, Fields f = {}) { write(Level::kDebug, m, f); }
inline void info(std::string_view m, Fields f = {}) { write(Level::kInfo, m, f); }
inline void warn(std::string_view m, Fields f = {}) { write(Level::kWarn, m, f); }
inline void error(std::string_view m, Fields f = {}) { write(Level::kError, m, f); }

// Appends `text` as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace gatehouse::base::log
