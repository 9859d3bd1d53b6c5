#include <deque>

#include "modes.h"
#include "tally.h"

namespace gatehouse::bench {

void handshakes(const Options& options) {
  Poller poller;
  Target target(options);
  Tally tally;
  const std::string head =
      "GET " + options.path + " HTTP/1.1\r\nHost: " + options.host + "\r\n\r\n";
  const auto end = in_seconds(options.seconds);

  const auto begin = [&](Connection& connection) {
    connection.began = Clock::now();
    connection.open(options.resume ? target.take_session() : nullptr);
  };
  const auto go_on = [&](Connection& connection) {
    using State = Connection::State;
    const bool was_shaking = connection.state() <= State::kHandshaking;
    State state = connection.advance();
    if (state == State::kOpen && was_shaking) {
      connection.request(head, 0);
      state = connection.advance();
    }
    if (state != State::kOpen && state != State::kFailed) return;
    if (state == State::kOpen) {
      tally.done(Clock::now() - connection.began);
      tally.resumed += connection.resumed();
    } else {
      tally.failed(connection.why());
    }
    connection.close();
    if (tally.failures() < 100) begin(connection);
  };

  std::deque<Connection> connections;
  for (std::uint64_t i = 0; i < options.connections; ++i) {
    begin(connections.emplace_back(poller, target));
  }
  while (Clock::now() < end && tally.failures() < 100) {
    for (const auto& event : poller.wait(end)) go_on(*static_cast<Connection*>(event.data.ptr));
  }
  tally.print();
}

}  // namespace gatehouse::bench
