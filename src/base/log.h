// The log of what the process does: one line a happening, text for people or JSON for machines.
// Lines are written by a thread of their own; a caller never waits for the disk. When the bounded
// queue is full, the oldest lines are dropped; of warnings and errors of one kind ten a second are
// written, and how many more there were. From any thread.
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

// What a line says, without values: a literal, so that lines can be counted and limited by it.
class Sentence {
 public:
  consteval Sentence(const char* literal) : text_(literal) {}
  const char* text() const { return text_; }

 private:
  const char* text_;
};

// Sets what is written and how; standard error is where. Before this, text of level info. Call
// once at start, before other threads log.
void configure(Level level, Format format);
// Tells what was left out, writes what is queued, and ends the writing thread; later lines go out
// at once. At exit.
void flush_and_stop();

bool enabled(Level level);
void write(Level level, Sentence message, Fields fields = {});

inline void debug(Sentence m, Fields f = {}) { write(Level::kDebug, m, f); }
inline void info(Sentence m, Fields f = {}) { write(Level::kInfo, m, f); }
inline void warn(Sentence m, Fields f = {}) { write(Level::kWarn, m, f); }
inline void error(Sentence m, Fields f = {}) { write(Level::kError, m, f); }

// Tells how many lines were left out in seconds that are over, where no line of the kind has told
// it yet. Now and then.
void tell_left_out();

// Appends `text` as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace gatehouse::base::log
