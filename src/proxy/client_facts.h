// What is known of who asks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/endpoint.h"
#include "config/model.h"

namespace gatehouse::proxy {

// Facts of a connection, the same for all its requests.
struct ClientFacts {
  std::string ip;           // of the peer, or of whom its PROXY header names
  base::Endpoint peer;      // the same with its port, and where it has come to: for the
  base::Endpoint local;     // PROXY header to upstreams
  bool is_local = false;    // from this machine: may ask for the health
  bool is_trusted = false;  // one of trusted_proxies: its forwarding fields are believed
  bool tls = false;
  std::string server_name;  // SNI
  // What the handshake asked of the client's certificate: by the site that SNI named.
  std::optional<config::ClientAuth> client_auth;
  std::string certificate;         // verified: as Client-Cert says it (RFC 9440 2.2); or empty
  std::string certificate_sha256;  // of its DER, in hex
};

// Whether it is this machine itself.
bool is_loopback(const base::Endpoint& peer);

// Notes the certificate, in DER, that a client has shown.
void note_certificate(ClientFacts& facts, std::string_view der);

}  // namespace gatehouse::proxy
