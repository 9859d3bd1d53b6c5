// What a CA is about to ask of our listeners (RFC 8555 8.3, RFC 8737), asked by ourselves first:
// so that no validation is spent on what can be seen from here to fail.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/ip_range.h"
#include "base/loop.h"
#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/transport.h"

namespace gatehouse::certs {

// A listener of ours, as it is reached from this machine.
struct OwnListener {
  base::Endpoint at;
  bool tls = false;
  bool ours = true;  // else a stranger's, who is sent no PROXY header

  OwnListener(base::Endpoint a, bool t) : at(std::move(a)), tls(t) {}
};

// On control's loop, of the process whose workers serve the listeners.
class Rehearsal {
 public:
  static constexpr base::Duration kTime{2'000};      // of one rehearsal
  static constexpr std::size_t kListeners = 8;       // that it asks, one after another
  static constexpr std::size_t kAnswerBytes = 1024;  // of a body that are read

  // `proxied`: peers that must send a PROXY header first (listen.proxy_protocol).
  Rehearsal(base::Loop& loop, std::vector<OwnListener> listeners,
            std::vector<base::IpRange> proxied)
      : loop_(loop), listeners_(std::move(listeners)), proxied_(std::move(proxied)) {}

  // Why the CA would not find the key authorization by http-01, in one line: what was asked where,
  // and what came. Empty when one listener gives it; when there is no such listener; and when one
  // is silent for kTime, since a CA waits longer than that.
  base::Task<std::string> http(std::string name, std::string token, std::string authorization);
  // The same for tls-alpn-01: `server_name` is shown `certificate`, and acme-tls/1 is agreed on.
  base::Task<std::string> tls_alpn(std::string server_name, tls::CertificateRef certificate);

  // What stands at strangers' addresses that a CA would come to, asked in the same way: why it
  // would not find us there, in one line. Empty when one of them is us, and when one says neither:
  // it cannot be reached, is silent, or sends on to another place. `authorization` is the token
  // too.
  base::Task<std::string> http_at(std::vector<base::Endpoint> places, std::string name,
                                  std::string authorization);
  base::Task<std::string> tls_alpn_at(std::vector<base::Endpoint> places, std::string server_name,
                                      tls::CertificateRef certificate);

  // Where our listeners are when none is on the port that a CA comes to; else empty.
  std::string elsewhere(bool tls) const;

 private:
  base::Task<base::Result<tls::Transport>> dial(const OwnListener& listener,
                                                base::Deadline deadline);
  base::Task<base::Result<void>> fetch(const OwnListener& listener, const std::string& name,
                                       const std::string& path, const std::string& authorization,
                                       base::Deadline deadline);
  base::Task<base::Result<void>> shake_hands(const OwnListener& listener,
                                             const std::string& server_name,
                                             const tls::CertificateRef& certificate,
                                             base::Deadline deadline);

  base::Loop& loop_;
  std::vector<OwnListener> listeners_;
  std::vector<base::IpRange> proxied_;
  std::unique_ptr<tls::ClientContext> tls_;  // made at the first handshake
};

}  // namespace gatehouse::certs
