#include <deque>

#include "modes.h"
#include "tally.h"

namespace gatehouse::bench {

void refused(const Options& options) {
  Poller poller;
  Target target(options);
  Tally tally;
  const auto end = in_seconds(options.seconds);

  const auto begin = [&](Connection& connection) {
    connection.began = Clock::now();
    connection.open(nullptr);
  };
  const auto go_on = [&](Connection& connection) {
    using State = Connection::State;
    const State state = connection.advance();
    if (state != State::kOpen && state != State::kFailed) return;
    if (connection.was_refused()) {
      tally.done(Clock::now() - connection.began);
    } else {
      tally.failed(state == State::kOpen ? "a handshake that should be refused" : connection.why());
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
