// The header of the PROXY protocol, with which a proxy in front of us says for whom it connects:
// version 1, a line of text, and version 2, binary
// (haproxy.org/download/3.0/doc/proxy-protocol.txt, sections 2.1 and 2.2; there is no RFC).
#pragma once

#include <cstdint>
#include <string>

#include "base/buffer.h"
#include "base/endpoint.h"
#include "base/error.h"

namespace gatehouse::proxy {

// Reads one header from bytes that come in pieces of any size, and takes none that stand behind it.
class ProxyHeaderParser {
 public:
  static constexpr std::size_t kMostText = 107;     // of version 1, CRLF with it
  static constexpr std::size_t kMostBinary = 4096;  // of version 2, TLVs with it

  // Whom the connection is made for.
  enum class Speaker : std::uint8_t {
    kClient,   // client() says who
    kUnknown,  // somebody whom the header does not name: "UNKNOWN", or no TCP over IP
    kProxy,    // the proxy itself, which looks whether we live ("LOCAL")
  };

  // How many of the first bytes belong to the header: all, unless it is whole(). Errors:
  // kMalformed, kTooLarge; nothing of the connection may be used then.
  base::Result<std::size_t> take(base::Bytes bytes);
  bool whole() const { return whole_; }

  // --- once it is whole ---
  Speaker speaker() const { return speaker_; }
  // With kClient.
  const base::Endpoint& client() const { return client_; }

 private:
  base::Result<void> look();
  base::Result<void> look_at_text();
  base::Result<void> look_at_binary();
  base::Result<void> read_text();
  base::Result<void> read_binary();

  std::string bytes_;
  bool whole_ = false;
  Speaker speaker_ = Speaker::kUnknown;
  base::Endpoint client_;
};

}  // namespace gatehouse::proxy
