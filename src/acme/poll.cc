#include "acme/poll.h"

#include <algorithm>

namespace gatehouse::acme {

namespace {

// Troubles of the network or the CA's servers, not what it has decided.
bool may_pass(base::Code code) {
  switch (code) {
    case base::Code::kClosed:
    case base::Code::kReset:
    case base::Code::kRefused:
    case base::Code::kTimeout:
    case base::Code::kOverload:
    case base::Code::kNotFound:
    case base::Code::kIo:
    case base::Code::kTls: return true;
    default: return false;
  }
}

}  // namespace

base::Duration Poll::next(std::optional<std::chrono::seconds> retry_after) {
  const base::Duration own = next_;
  next_ = std::min(next_ * 2, kLongest);
  if (!retry_after || retry_after->count() <= 0) return own;
  return *retry_after;
}

base::Task<Outcome<>> Poll::rest(const Failure* failure,
                                 std::optional<std::chrono::seconds> retry_after,
                                 base::Deadline deadline) {
  if (failure != nullptr) {
    if (!may_pass(failure->error.code) || ++failures_ > kFailures) co_return failed(*failure);
    retry_after = failure->retry_after;
  } else {
    failures_ = 0;
  }
  const base::Deadline until = base::Deadline::in(next(retry_after));
  if (deadline.at() <= until.at()) {
    if (failure != nullptr) co_return failed(*failure);
    Failure late(base::Error(base::Code::kTimeout, base::Side::kCa, base::Retry::kYes,
                             "the CA has not decided in time about " + what_));
    if (retry_after && retry_after->count() > 0) {
      late.retry_after = retry_after;
      late.error.detail +=
          "; it wants to be asked again in " + std::to_string(retry_after->count()) + " s";
    }
    co_return failed(std::move(late));
  }
  co_await base::sleep_until(loop_, until);
  co_return Outcome<>();
}

}  // namespace gatehouse::acme
