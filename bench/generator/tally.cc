#include "tally.h"

#include <algorithm>
#include <cstdio>

namespace gatehouse::bench {

void Tally::done(Clock::duration took) {
  microseconds_.push_back(std::chrono::duration<float, std::micro>(took).count());
}

void Tally::failed(const std::string& why) {
  if (failures_++ == 0) why_ = why;
}

double Tally::percentile(double share) const {
  if (microseconds_.empty()) return 0;
  const auto last = static_cast<double>(microseconds_.size() - 1);
  return microseconds_[static_cast<std::size_t>(share * last)];
}

void Tally::print() {
  const std::chrono::duration<double> took = Clock::now() - began_;
  std::ranges::sort(microseconds_);
  std::erase_if(why_, [](unsigned char c) { return c == '"' || c == '\\' || c < ' '; });
  std::printf(
      "{\"done\": %zu, \"failed\": %llu, \"why\": \"%s\", \"seconds\": %.6f, \"bytes\": %llu, "
      "\"resumed\": %llu, \"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}\n",
      microseconds_.size(), static_cast<unsigned long long>(failures_), why_.c_str(), took.count(),
      static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(resumed),
      percentile(0.5), percentile(0.99), percentile(0.999), percentile(1));
  std::fflush(stdout);
}

}  // namespace gatehouse::bench
