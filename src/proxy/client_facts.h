// What is known of who asks.
#pragma once

#include <string>

#include "base/endpoint.h"

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
};

}  // namespace gatehouse::proxy
