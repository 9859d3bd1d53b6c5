#include <deque>

#include "modes.h"
#include "tally.h"

namespace gatehouse::bench {

void uploads(const Options& options) {
  Poller poller;
  Target target(options);
  Tally tally;
  const std::string head = "POST " + options.path + " HTTP/1.1\r\nHost: " + options.host +
                           "\r\nContent-Type: application/octet-stream\r\nContent-Length: " +
                           std::to_string(options.bytes) + "\r\n\r\n";
  const auto end = in_seconds(options.seconds);
  std::uint64_t broken = 0;

  // A request that has begun is brought to its end, so that what the proxy did is all counted.
  const auto go_on = [&](Connection& connection) {
    using State = Connection::State;
    State state = connection.state();
    while (true) {
      const bool asked = state == State::kSending || state == State::kReceiving;
      state = connection.advance();
      if (state == State::kFailed) {
        tally.failed(connection.why());
        connection.close();
        ++broken;
        return;
      }
      if (state != State::kOpen) return;
      if (asked) {
        tally.done(Clock::now() - connection.began);
        tally.bytes += options.bytes;
      }
      if (Clock::now() >= end) {
        connection.close();
        ++broken;
        return;
      }
      connection.began = Clock::now();
      connection.request(head, options.bytes);
      state = connection.state();
    }
  };

  std::deque<Connection> connections;
  for (std::uint64_t i = 0; i < options.connections; ++i) {
    connections.emplace_back(poller, target).open(nullptr);
  }
  const auto patience = end + std::chrono::seconds(60);
  while (broken < options.connections && Clock::now() < patience) {
    for (const auto& event : poller.wait(patience)) {
      auto& connection = *static_cast<Connection*>(event.data.ptr);
      if (connection.state() != Connection::State::kClosed) go_on(connection);
    }
  }
  if (broken < options.connections) tally.failed("uploads that do not end");
  tally.print();
}

}  // namespace gatehouse::bench
