#include "certs/backoff.h"

#include <cstdint>
#include <random>

namespace gatehouse::certs {

double random_fraction() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

std::chrono::seconds retry_delay(unsigned failures, double random) {
  using std::chrono::minutes;
  std::chrono::seconds base = std::chrono::hours(24);
  if (failures <= 1) base = minutes(1);
  if (failures == 2) base = minutes(10);
  if (failures == 3) base = minutes(100);
  const double factor = 0.9 + 0.2 * random;
  return std::chrono::seconds(
      static_cast<std::int64_t>(static_cast<double>(base.count()) * factor));
}

}  // namespace gatehouse::certs
