// One client's connection: handshake if it came on a TLS listener, then its requests in the
// protocol that it chose. Lives exactly as long as its task on the worker.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <optional>
#include <string>

#include "http/http1_server.h"
#include "proxy/http2_exchanges.h"
#include "proxy/worker.h"
#include "tls/transport.h"

namespace gatehouse::proxy {

class Connection : public boost::intrusive::list_base_hook<
                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  // How a connection came in.
  struct Arrival {
    base::Endpoint peer;
    bool tls = false;
    bool proxied = false;  // begins with a PROXY header; until then the client is not known
  };
  Connection(Worker& worker, base::Socket socket, const Arrival& arrival, Admission::Ticket ticket);

  // From the first byte to the close.
  base::Task<void> run();

  // No further request is taken; the one under way is finished.
  void drain();
  // Ends it if the client has not yet said what it wants: no ClientHello, no PROXY header came.
  void end_if_silent();
  // Ends it at once.
  void abort();

 private:
  // What is to be done with a ClientHello.
  struct Choice {
    tls::CertificateRef certificate;  // null: refuse
    bool challenge = false;
    std::uint8_t alert = 0;
    std::string reason;  // of a refusal, for the log
  };

  bool is_trusted(const base::Endpoint& peer) const;
  // Not inlined, these and those that serve: their frames would be parts of run()'s, which an idle
  // connection keeps.
  [[gnu::noinline]] base::Task<bool> meet_client();
  [[gnu::noinline]] base::Task<bool> shake_hands();
  const tls::ClientAuth* client_auth_for(const std::string& name);
  base::Task<Choice> choose(const tls::ClientHello& hello, std::string name);
  base::Task<Choice> wait_for_certificate(std::string name, tls::KeyKinds keys);
  base::Task<void> answer_plain_http();
  base::Task<void> serve();
  [[gnu::noinline]] base::Task<void> serve_http1(const Snapshot& snapshot);
  [[gnu::noinline]] base::Task<void> serve_http2(const Snapshot& snapshot, base::Chunk first);
  ExchangeParts parts() const;
  void count(base::Abuse kind) const { worker_.shared().abuse.count(kind); }
  void note_stall(const base::Error& error) const;
  static Choice refuse(std::uint8_t alert, std::string reason);

  Worker& worker_;
  tls::Transport transport_;
  bool tls_;
  ClientFacts facts_;
  base::Endpoint peer_;
  Admission::Ticket ticket_;
  std::optional<http::Http1Server> server_;
  Exchange* exchange_ = nullptr;  // of HTTP/1.1, while one runs
  std::unique_ptr<Http2Exchanges> http2_;
  bool proxied_;        // a PROXY header is still to come
  bool silent_ = true;  // no ClientHello came
};

}  // namespace gatehouse::proxy
