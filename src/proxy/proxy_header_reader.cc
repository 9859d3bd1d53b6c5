#include "proxy/proxy_header_reader.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace gatehouse::proxy {

base::Task<base::Result<ProxyHeaderParser>> read_proxy_header(base::Socket& socket,
                                                              base::Deadline deadline) {
  ProxyHeaderParser header;
  std::array<std::uint8_t, 256> piece;
  while (!header.whole()) {
    const auto got = ::recv(socket.native(), piece.data(), piece.size(), MSG_PEEK);
    if (got > 0) {
      auto used = header.take(base::Bytes(piece.data(), static_cast<std::size_t>(got)));
      if (!used) co_return base::fail(std::move(used.error()));
      // What was looked at and belongs to the header is taken: so a wait is for more of it.
      (void)::recv(socket.native(), piece.data(), *used, 0);
    } else if (got == 0) {
      co_return base::fail(base::Error(base::Code::kClosed, base::Side::kDownstream,
                                       "the peer left before its PROXY header"));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      auto waited = co_await socket.wait_readable(deadline);
      if (!waited) co_return base::fail(std::move(waited.error()));
    } else if (errno != EINTR) {
      co_return base::fail(base::from_errno(errno, base::Side::kDownstream, "read a PROXY header"));
    }
  }
  co_return header;
}

}  // namespace gatehouse::proxy
