// The handshake's proof that a server has read it as a WebSocket handshake (RFC 6455 1.3, 4). What
// follows the handshake is a tunnel like any other.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::http {

// A new Sec-WebSocket-Key: for a client that has none, since it asked over HTTP/2 (RFC 8441 5.1).
std::string websocket_key();

// The Sec-WebSocket-Accept that answers `key`.
std::string websocket_accept(std::string_view key);

}  // namespace gatehouse::http
