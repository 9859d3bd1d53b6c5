#include "proxy/health_check.h"

#include <array>

#include "base/ip_range.h"
#include "base/socket.h"
#include "proxy/exchange.h"
#include "tls/transport.h"

namespace gatehouse::proxy {

namespace {

constexpr base::Duration kPatience{4'000};
// "It is me, the proxy": the PROXY protocol's LOCAL, which leaves us a neighbour.
constexpr std::string_view kLocalHeader("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);

// Whether we, who come from the address that we connect to, must send a PROXY header first.
bool needs_header(const config::Config& config, const base::Endpoint& to) {
  const auto from = to.is_ip() ? to : *base::Endpoint::from_ip("127.0.0.1", 0);
  return base::contains(config.listen.proxy_protocol, from);
}

base::Result<base::Endpoint> local_endpoint(const config::Address& address) {
  if (!address.unix_path.empty()) return base::Endpoint::from_unix(address.unix_path);
  const bool any = address.host.empty() || address.host == "0.0.0.0" || address.host == "::";
  return base::Endpoint::from_ip(any ? "127.0.0.1" : address.host, address.port);
}

// On a plain listener the health page answers. A TLS listener answers plain HTTP with 400, which
// shows as well that a worker lives, whatever certificates there are.
base::Task<void> ask(base::Loop& loop, base::Endpoint to, bool tls, bool header,
                     base::Result<void>& outcome) {
  const auto deadline = base::Deadline::in(kPatience);
  const std::string_view wanted = tls ? "HTTP/1.1 400 " : "HTTP/1.1 200 ";
  std::string request(header ? kLocalHeader : std::string_view());
  request += "GET ";
  request += Exchange::kHealthPath;
  request += " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  auto socket = co_await base::connect(loop, to, deadline);
  if (!socket) {
    outcome = base::fail(std::move(socket.error()));
    loop.stop();
    co_return;
  }
  tls::Transport transport(std::move(*socket));
  const std::array<base::Bytes, 1> pieces{base::as_bytes(request)};
  outcome = co_await transport.write(pieces, deadline);
  std::array<std::uint8_t, 64> answer;
  std::size_t size = 0;
  while (outcome && size < wanted.size()) {
    auto got = co_await transport.read(base::MutableBytes(answer).subspan(size), deadline);
    if (!got) outcome = base::fail(std::move(got.error()));
    if (!got || *got == 0) break;
    size += *got;
  }
  const auto text = base::as_text(base::Bytes(answer.data(), size));
  if (outcome && !text.starts_with(wanted)) {
    outcome = base::fail(base::Code::kMalformed, to.text() + " does not answer as gatehouse does");
  }
  loop.stop();
}

}  // namespace

base::Result<void> check_health(const config::Config& config) {
  const bool tls = config.listen.http.empty();
  const auto& addresses = tls ? config.listen.https : config.listen.http;
  auto endpoint = local_endpoint(addresses.front());
  if (!endpoint) return base::fail(std::move(endpoint.error()));
  base::Result<void> outcome;
  base::Loop loop;
  loop.spawn(ask(loop, *endpoint, tls, needs_header(config, *endpoint), outcome), "health check");
  loop.run();
  return outcome;
}

}  // namespace gatehouse::proxy
