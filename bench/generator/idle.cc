#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>

#include "modes.h"
#include "tally.h"

namespace gatehouse::bench {
namespace {

constexpr std::uint64_t kOpening = 64;  // at once: no flood

}  // namespace

void idle(const Options& options) {
  Poller poller;
  Target target(options);
  Tally tally;
  const std::string head =
      "GET " + options.path + " HTTP/1.1\r\nHost: " + options.host + "\r\n\r\n";
  std::deque<Connection> connections;
  const auto open_one = [&] {
    if (connections.size() == options.connections) return;
    auto& connection = connections.emplace_back(poller, target);
    connection.began = Clock::now();
    connection.open(nullptr);
  };
  for (std::uint64_t i = 0; i < kOpening; ++i) open_one();

  const auto patience = Clock::now() + std::chrono::seconds(120);
  while (tally.count() < options.connections && tally.failures() == 0) {
    if (Clock::now() > patience) tally.failed("connections that do not open");
    for (const auto& event : poller.wait(patience)) {
      auto& connection = *static_cast<Connection*>(event.data.ptr);
      using State = Connection::State;
      const auto before = connection.state();
      auto state = connection.advance();
      if (state == State::kOpen && before <= State::kHandshaking) {
        connection.request(head, 0);
        state = connection.advance();
      }
      if (state == State::kFailed) tally.failed(connection.why());
      if (event.events & EPOLLRDHUP) tally.failed("closed by the proxy while idle");
      if (state != State::kOpen || before == State::kOpen) continue;
      tally.done(Clock::now() - connection.began);
      open_one();
    }
  }
  tally.print();

  char byte;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  std::uint64_t lost = 0;
  for (const auto& event : poller.wait(Clock::now())) lost += (event.events & EPOLLRDHUP) != 0;
  if (lost == 0) return;
  std::fprintf(stderr, "generator: the proxy closed idle connections\n");
  std::exit(1);
}

}  // namespace gatehouse::bench
