#include <deque>

#include "modes.h"
#include "tally.h"

namespace gatehouse::bench {
namespace {

class OpenLoop {
 public:
  explicit OpenLoop(const Options& options)
      : options_(options),
        target_(options),
        head_("GET " + options.path + " HTTP/1.1\r\nHost: " + options.host + "\r\n\r\n"),
        interval_(std::chrono::duration_cast<Clock::duration>(
            std::chrono::duration<double>(1 / options.rate))) {}

  void run() {
    for (std::uint64_t i = 0; i < options_.connections; ++i) {
      connections_.emplace_back(poller_, target_).open(nullptr);
    }
    const auto patience = Clock::now() + std::chrono::seconds(30);
    while (free_.size() < options_.connections && !broken()) {
      if (Clock::now() > patience) tally_.failed("connections that do not open");
      look(patience);
    }
    tally_ = broken() ? tally_ : Tally();
    const auto count = static_cast<std::uint64_t>(options_.seconds * options_.rate);
    auto due = Clock::now() + interval_;
    for (std::uint64_t planned = 0; planned < count && !broken();) {
      for (; due <= Clock::now() && planned < count; due += interval_, ++planned) {
        due_.push_back(due);
      }
      send();
      look(due);
    }
    const auto late = Clock::now() + std::chrono::seconds(10);
    while (tally_.count() < count && !broken() && Clock::now() < late) {
      send();
      look(late);
    }
    if (tally_.count() < count) tally_.failed("requests that are not answered");
    tally_.print();
  }

 private:
  bool broken() const { return tally_.failures() > 0; }

  // What is due goes out, as long as a connection is free.
  void send() {
    while (!due_.empty() && !free_.empty()) {
      Connection& connection = *free_.front();
      free_.pop_front();
      connection.began = due_.front();
      due_.pop_front();
      connection.request(head_, 0);
      settle(connection, connection.advance());
    }
  }

  void look(Clock::time_point until) {
    for (const auto& event : poller_.wait(until)) {
      auto& connection = *static_cast<Connection*>(event.data.ptr);
      const auto before = connection.state();
      if (before == Connection::State::kOpen || before == Connection::State::kFailed) continue;
      const auto state = connection.advance();
      if (before >= Connection::State::kSending) {
        settle(connection, state);
      } else if (state == Connection::State::kOpen) {
        free_.push_back(&connection);
      } else if (state == Connection::State::kFailed) {
        tally_.failed(connection.why());
      }
    }
  }

  // After a step of a request.
  void settle(Connection& connection, Connection::State state) {
    if (state == Connection::State::kFailed) tally_.failed(connection.why());
    if (state != Connection::State::kOpen) return;
    tally_.done(Clock::now() - connection.began);
    free_.push_back(&connection);
  }

  const Options& options_;
  Poller poller_;
  Target target_;
  std::string head_;
  Clock::duration interval_;
  Tally tally_;
  std::deque<Connection> connections_;
  std::deque<Connection*> free_;
  std::deque<Clock::time_point> due_;
};

}  // namespace

void latency(const Options& options) { OpenLoop(options).run(); }

}  // namespace gatehouse::bench
