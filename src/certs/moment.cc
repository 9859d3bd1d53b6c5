#include "certs/moment.h"

#include <ctime>

namespace gatehouse::certs {

std::string text_of(base::WallTime at) {
  const std::time_t seconds = at.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%F %T", &parts));
}

std::string timestamp_of(base::WallTime at) {
  std::string text = text_of(at) + "Z";
  if (const auto blank = text.find(' '); blank != std::string::npos) text[blank] = 'T';
  return text;
}

}  // namespace gatehouse::certs
