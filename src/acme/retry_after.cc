#include "acme/retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "acme/timestamp.h"

namespace gatehouse::acme {

namespace {

constexpr std::size_t kDateBytes = 64;
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// A number of 1 to `digits` digits and nothing else; -1 otherwise.
int number(std::string_view text, std::size_t digits) {
  int value = -1;
  if (text.empty() || text.size() > digits || text[0] == '-') return -1;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() ? value : -1;
}

int month(std::string_view text) {
  const auto found = std::ranges::find(kMonths, text);
  return found == kMonths.end() ? -1 : static_cast<int>(found - kMonths.begin()) + 1;
}

// "08:49:37", or a negative value.
int time_of_day(std::string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return -1;
  const int hour = number(text.substr(0, 2), 2);
  const int minute = number(text.substr(3, 2), 2);
  const int second = number(text.substr(6, 2), 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return -1;
  return hour * 3600 + minute * 60 + second;
}

std::vector<std::string_view> words(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> out;
  std::size_t from = 0;
  while ((from = text.find_first_not_of(separators, from)) != std::string_view::npos) {
    const std::size_t to = std::min(text.find_first_of(separators, from), text.size());
    out.push_back(text.substr(from, to - from));
    from = to;
  }
  return out;
}

std::optional<base::WallTime> moment(int year, int month_number, int day, int seconds) {
  if (year < 0 || month_number < 0 || day < 0 || seconds < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month_number)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::seconds(seconds);
}

}  // namespace

std::optional<base::WallTime> parse_http_date(std::string_view text) {
  if (text.size() > kDateBytes) return std::nullopt;
  const bool has_comma = text.contains(',');
  const auto parts = words(text, has_comma ? " ,-" : " ");
  // "Sun Nov  6 08:49:37 1994" (asctime)
  if (!has_comma) {
    if (parts.size() != 5) return std::nullopt;
    return moment(number(parts[4], 4), month(parts[1]), number(parts[2], 2), time_of_day(parts[3]));
  }
  // "Sun, 06 Nov 1994 08:49:37 GMT" (IMF), "Sunday, 06-Nov-94 08:49:37 GMT" (RFC 850)
  if (parts.size() != 6 || parts[5] != "GMT") return std::nullopt;
  int year = number(parts[3], 4);
  // Two digits: what is more than 50 years ahead means the past (RFC 9110 5.6.7).
  if (parts[3].size() == 2 && year >= 0) year += year < 76 ? 2000 : 1900;
  return moment(year, month(parts[2]), number(parts[1], 2), time_of_day(parts[4]));
}

std::optional<std::chrono::seconds> retry_after_in(std::string_view words, base::WallTime now) {
  constexpr std::string_view kWords = "retry after ";
  constexpr std::size_t kSeconds = 19;  // "2026-11-27 12:00:00"
  const auto at = words.find(kWords);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = words.substr(at + kWords.size());
  std::string date(rest.substr(0, kSeconds));
  const std::string_view zone = rest.substr(date.size());
  if (zone.starts_with(" UTC") || zone.starts_with(" +0000")) {
    date += 'Z';
  } else {
    date += zone.substr(0, zone.find_first_not_of("0123456789.:+-Zz"));
    while (date.ends_with('.') || date.ends_with(':')) date.pop_back();
  }
  const auto moment = parse_timestamp(date);
  if (!moment) return std::nullopt;
  return std::clamp(*moment - now, std::chrono::seconds(0), kLongestRetryAfter);
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, base::WallTime now) {
  const bool digits = !value.empty() && value.find_first_not_of("0123456789") == value.npos;
  if (digits) {
    const int seconds = number(value, 9);
    if (seconds < 0) return kLongestRetryAfter;  // more digits than any sensible wait
    return std::min(std::chrono::seconds(seconds), kLongestRetryAfter);
  }
  const auto date = parse_http_date(value);
  if (!date) return std::nullopt;
  return std::clamp(*date - now, std::chrono::seconds(0), kLongestRetryAfter);
}

}  // namespace gatehouse::acme
