#include "certs/change_watch.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "certs/instructions.h"

namespace gatehouse::certs {

ChangeWatch::ChangeWatch(Parts parts) : parts_(parts), changes_(parts.storage), wake_(parts.loop) {}

base::Task<void> ChangeWatch::begin() { (void)co_await changes_.news(); }

base::Task<void> ChangeWatch::run(Instructions& instructions) {
  while (!stopping_) {
    if (to_see_.empty()) (void)co_await wake_.wait(base::Deadline::in(parts_.pause));
    wake_.reset();
    co_await tell_noted();
    if (stopping_) co_return;
    co_await look_for_news();
    for (std::size_t i = 0; i < kSlice && !to_see_.empty() && !stopping_; ++i) {
      std::string label = std::move(to_see_.back());
      to_see_.pop_back();
      co_await instructions.look(std::move(label));
    }
  }
}

void ChangeWatch::note(std::string label) {
  // With one more than the record holds all is looked at, however many there are.
  if (noted_.size() <= Changes::kLabels) noted_.push_back(std::move(label));
}

base::Task<void> ChangeWatch::tell(std::vector<std::string> labels) {
  for (std::string& label : labels) note(std::move(label));
  co_await tell_noted();
}

void ChangeWatch::stop() {
  stopping_ = true;
  wake_.set();
}

base::Task<void> ChangeWatch::tell_noted() {
  if (noted_.empty()) co_return;
  std::vector<std::string> labels = std::exchange(noted_, {});
  const auto added = co_await changes_.add(labels);
  if (!added) {
    for (std::string& label : labels) note(std::move(label));
    if (!failing_) {
      base::log::warn("storage does not keep what has changed; other processes hear of it later",
                      {{"error", added.error().detail}});
    }
  }
  failing_ = !added;
}

base::Task<void> ChangeWatch::look_for_news() {
  auto news = co_await changes_.news();
  if (!news) co_return;  // the next look tells
  if (news->all) to_see_ = parts_.renewals.names();
  std::ranges::move(news->labels, std::back_inserter(to_see_));  // they come first
}

}  // namespace gatehouse::certs
