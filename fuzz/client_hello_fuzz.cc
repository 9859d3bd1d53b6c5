// Whatever a stranger may send to a TLS port: the name, the ALPN list, and the handshake after it.
#include "tls/client_hello.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/loop.h"
#include "tls/context.h"
#include "tls/transport.h"
#include "tls/x509.h"

using namespace gatehouse;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

struct House {
  House()
      : context(tls::ServerContext::make(tls::ServerOptions(), tickets).value()),
        certificate(tls::challenge_certificate(
                        "a.example", "x", tls::PrivateKey::generate(tls::KeyType::kP256).value())
                        .value()) {}
  base::Loop loop;
  tls::SessionTickets tickets;
  std::unique_ptr<tls::ServerContext> context;
  tls::CertificateRef certificate;
};

base::Task<void> shake(House& house, tls::Transport& transport) {
  // The peer has ended already: nothing waits for long.
  const auto deadline = base::Deadline::never();
  auto hello = co_await transport.client_hello(*house.context, deadline);
  if (hello) {
    for (const char c : hello->server_name) check(c < 'A' || c > 'Z');
    check(hello->server_name == transport.server_name());
    if (tls::is_host_name(hello->server_name)) check(hello->server_name.size() <= 253);
    (void)co_await transport.handshake(house.certificate, hello->acme_challenge, deadline);
  }
  house.loop.stop();
}

void send_all(int fd, const std::string& bytes) {
  check(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
        static_cast<ssize_t>(bytes.size()));
}

std::string number(std::size_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
  return out;
}

// A record with a ClientHello around a body, with lengths that fit.
std::string framed(const std::string& body) {
  return "\x16\x03\x01" + number(body.size() + 4, 2) + '\x01' + number(body.size(), 3) + body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static House house;
  constexpr std::size_t kMost = 16000;  // one record
  if (size == 0 || size > kMost) return 0;
  const std::string rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  int ends[2];
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  send_all(ends[1], data[0] == 'f' ? framed(rest) : rest);
  ::shutdown(ends[1], SHUT_WR);
  {
    tls::Transport transport(base::Socket(house.loop, ends[0]));
    house.loop.spawn(shake(house, transport), "hello");
    house.loop.run();
  }
  ::close(ends[1]);
  return 0;
}
