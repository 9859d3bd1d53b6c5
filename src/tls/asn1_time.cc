#include "tls/asn1_time.h"

#include <chrono>

namespace gatehouse::tls {

namespace {

bool two_digits(CBS* text, int* out) {
  std::uint8_t tens = 0;
  std::uint8_t ones = 0;
  if (!CBS_get_u8(text, &tens) || !CBS_get_u8(text, &ones)) return false;
  if (tens < '0' || tens > '9' || ones < '0' || ones > '9') return false;
  *out = (tens - '0') * 10 + (ones - '0');
  return true;
}

}  // namespace

// UTCTime until 2049, GeneralizedTime after.
bool read_time(CBS* from, base::WallTime* out) {
  CBS text;
  unsigned tag = 0;
  if (!CBS_get_any_asn1(from, &text, &tag)) return false;
  int century = 0, year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (tag == CBS_ASN1_GENERALIZEDTIME) {
    if (!two_digits(&text, &century)) return false;
  } else if (tag != CBS_ASN1_UTCTIME) {
    return false;
  }
  std::uint8_t zulu = 0;
  if (!two_digits(&text, &year) || !two_digits(&text, &month) || !two_digits(&text, &day) ||
      !two_digits(&text, &hour) || !two_digits(&text, &minute) || !two_digits(&text, &second) ||
      !CBS_get_u8(&text, &zulu) || zulu != 'Z' || CBS_len(&text) != 0) {
    return false;
  }
  if (tag == CBS_ASN1_UTCTIME) century = year < 50 ? 20 : 19;
  const std::chrono::year_month_day date{std::chrono::year(century * 100 + year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return false;
  *out = std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
  return true;
}

}  // namespace gatehouse::tls
