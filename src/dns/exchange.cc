#include "dns/exchange.h"

#include <openssl/rand.h>
#include <sys/socket.h>

#include <cerrno>
#include <span>

#include "base/socket.h"

namespace gatehouse::dns {

namespace {

using base::Code;
using base::Side;

std::unexpected<base::Error> broken(const base::Endpoint& server, base::Error why) {
  return base::fail(why.code, Side::kUpstream, base::Retry::kYes,
                    "DNS server " + server.text() + ": " + why.detail);
}

base::Task<base::Result<void>> send_all(base::Socket& socket, std::string_view bytes,
                                        base::Deadline deadline) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket.native(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) {
      co_return base::fail(base::from_errno(errno, Side::kUpstream, "send"));
    }
    socket.wrote_all_it_took();
    auto waited = co_await socket.wait_writable(deadline);
    if (!waited) co_return base::fail(std::move(waited.error()));
  }
  co_return base::Result<void>();
}

base::Task<base::Result<void>> receive_all(base::Socket& socket, std::span<char> into,
                                           base::Deadline deadline) {
  while (!into.empty()) {
    const auto got = ::recv(socket.native(), into.data(), into.size(), 0);
    if (got > 0) {
      into = into.subspan(static_cast<std::size_t>(got));
      continue;
    }
    if (got == 0) co_return base::fail(Code::kClosed, "it closed the connection without an answer");
    if (errno != EAGAIN && errno != EINTR) {
      co_return base::fail(base::from_errno(errno, Side::kUpstream, "receive"));
    }
    socket.read_all();
    auto waited = co_await socket.wait_readable(deadline);
    if (!waited) co_return base::fail(std::move(waited.error()));
  }
  co_return base::Result<void>();
}

}  // namespace

std::uint16_t make_id() {
  std::uint16_t id = 0;
  RAND_bytes(reinterpret_cast<std::uint8_t*>(&id), sizeof id);
  return id;
}

base::Task<base::Result<std::string>> exchange(base::Loop& loop, base::Endpoint server,
                                               std::string message, base::Deadline deadline) {
  const auto end = deadline.min(base::Deadline::in(kAnswerTime));
  auto socket = co_await base::connect(loop, server, end);
  if (!socket) co_return broken(server, std::move(socket.error()));
  std::string framed;  // with its length before it (RFC 1035 4.2.2)
  append_u16(framed, message.size());
  framed += message;
  auto sent = co_await send_all(*socket, framed, end);
  if (!sent) co_return broken(server, std::move(sent.error()));
  std::string length(2, '\0');
  auto received = co_await receive_all(*socket, length, end);
  if (!received) co_return broken(server, std::move(received.error()));
  const auto high = static_cast<unsigned char>(length[0]);
  const auto low = static_cast<unsigned char>(length[1]);
  std::string answer(high * 256u + low, '\0');
  received = co_await receive_all(*socket, answer, end);
  if (!received) co_return broken(server, std::move(received.error()));
  co_return answer;
}

base::Task<base::Result<Answer>> ask(base::Loop& loop, base::Endpoint server, std::string name,
                                     Type type, bool recurse, base::Deadline deadline) {
  const auto id = make_id();
  auto query = make_query(id, name, type, recurse);
  if (!query) co_return base::fail(std::move(query.error()));
  auto came = co_await exchange(loop, server, std::move(*query), deadline);
  if (!came) co_return base::fail(std::move(came.error()));
  auto answer = read_answer(*came, id, name, type);
  if (!answer) co_return broken(server, std::move(answer.error()));
  constexpr unsigned kNoName = 3;
  if (answer->rcode != 0 && answer->rcode != kNoName) {
    const base::Error said(Code::kDenied,
                           "asked for " + name + ", it says " + rcode_name(answer->rcode));
    co_return broken(server, said);
  }
  co_return std::move(*answer);
}

}  // namespace gatehouse::dns
