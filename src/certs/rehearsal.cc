#include "certs/rehearsal.h"

#include <openssl/pool.h>

#include <array>
#include <ranges>

#include "http/http1_client.h"

namespace gatehouse::certs {

namespace {

using base::Code;

// Nothing is claimed by it: the connection is our own.
constexpr std::string_view kProxyHeader = "PROXY UNKNOWN\r\n";
constexpr std::string_view kProtocol = "acme-tls/1";
constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

void note(std::string& reasons, const OwnListener& listener, const base::Error& error) {
  reasons += (reasons.empty() ? "" : ", ") + listener.at.text() + " " + error.detail;
}

OwnListener strangers(const base::Endpoint& place, bool tls) {
  OwnListener listener(place, tls);
  listener.ours = false;
  return listener;
}

std::unexpected<base::Error> other_than(std::string what) {
  return base::fail(Code::kDenied, std::move(what));
}

}  // namespace

std::string Rehearsal::elsewhere(bool tls) const {
  const std::uint16_t port = tls ? kHttpsPort : kHttpPort;
  std::string places;
  for (const OwnListener& listener : listeners_) {
    if (listener.tls != tls) continue;
    if (listener.at.is_ip() && listener.at.port() == port) return {};
    places += (places.empty() ? "" : ", ") + listener.at.text();
  }
  if (places.empty()) return {};
  return "the CA comes to port " + std::to_string(port) + ", while gatehouse listens on " + places +
         ": something must lead the one to the other";
}

base::Task<std::string> Rehearsal::http(std::string name, std::string token,
                                        std::string authorization) {
  const std::string path = "/.well-known/acme-challenge/" + token;
  const base::Deadline deadline = base::Deadline::in(kTime);
  std::string reasons;
  std::size_t asked = 0;
  for (const OwnListener& listener : listeners_) {
    if (listener.tls || asked++ >= kListeners) continue;
    auto fetched = co_await fetch(listener, name, path, authorization, deadline);
    if (fetched || fetched.error().code == Code::kTimeout) co_return std::string();
    note(reasons, listener, fetched.error());
  }
  if (reasons.empty()) co_return reasons;
  co_return "http-01 for " + name + ": http://" + name + path +
      " was asked for at our own listeners, and the key authorization did not come: " + reasons;
}

base::Task<std::string> Rehearsal::tls_alpn(std::string server_name,
                                            tls::CertificateRef certificate) {
  const base::Deadline deadline = base::Deadline::in(kTime);
  std::string reasons;
  std::size_t asked = 0;
  for (const OwnListener& listener : listeners_) {
    if (!listener.tls || asked++ >= kListeners) continue;
    auto shaken = co_await shake_hands(listener, server_name, certificate, deadline);
    if (shaken || shaken.error().code == Code::kTimeout) co_return std::string();
    note(reasons, listener, shaken.error());
  }
  if (reasons.empty()) co_return reasons;
  co_return "tls-alpn-01 for " + server_name +
      ": acme-tls/1 was asked for at our own listeners, and the challenge's certificate did not "
      "come: " +
      reasons;
}

base::Task<std::string> Rehearsal::http_at(std::vector<base::Endpoint> places, std::string name,
                                           std::string authorization) {
  const std::string path = "/.well-known/acme-challenge/" + authorization;
  const base::Deadline deadline = base::Deadline::in(kTime);
  std::string reasons;
  for (const base::Endpoint& place : places | std::views::take(kListeners)) {
    const OwnListener stranger = strangers(place, false);
    auto fetched = co_await fetch(stranger, name, path, authorization, deadline);
    if (fetched || fetched.error().code != Code::kDenied) co_return std::string();
    note(reasons, stranger, fetched.error());
  }
  co_return reasons;
}

base::Task<std::string> Rehearsal::tls_alpn_at(std::vector<base::Endpoint> places,
                                               std::string server_name,
                                               tls::CertificateRef certificate) {
  const base::Deadline deadline = base::Deadline::in(kTime);
  std::string reasons;
  for (const base::Endpoint& place : places | std::views::take(kListeners)) {
    const OwnListener stranger = strangers(place, true);
    auto shaken = co_await shake_hands(stranger, server_name, certificate, deadline);
    const bool denied =
        !shaken && (shaken.error().code == Code::kDenied || shaken.error().code == Code::kTls);
    if (!denied) co_return std::string();
    note(reasons, stranger, shaken.error());
  }
  co_return reasons;
}

base::Task<base::Result<tls::Transport>> Rehearsal::dial(const OwnListener& listener,
                                                         base::Deadline deadline) {
  auto socket = co_await base::connect(loop_, listener.at, deadline);
  if (!socket) co_return base::fail(std::move(socket.error()));
  // Who comes by a Unix socket counts as 127.0.0.1.
  base::Endpoint from = socket->local();
  if (!from.is_ip()) from = base::Endpoint::from_ip("127.0.0.1", 0).value();
  tls::Transport transport(std::move(*socket));
  if (listener.ours && base::contains(proxied_, from)) {
    const std::array<base::Bytes, 1> pieces = {base::as_bytes(kProxyHeader)};
    auto sent = co_await transport.write(pieces, deadline);
    if (!sent) co_return base::fail(std::move(sent.error()));
  }
  co_return std::move(transport);
}

base::Task<base::Result<void>> Rehearsal::fetch(const OwnListener& listener,
                                                const std::string& name, const std::string& path,
                                                const std::string& authorization,
                                                base::Deadline deadline) {
  auto transport = co_await dial(listener, deadline);
  if (!transport) co_return base::fail(std::move(transport.error()));
  const http::Http1ClientOptions options;
  http::Http1Client connection(std::move(*transport), options);
  connection.limit(deadline);
  http::RequestHead head;
  head.method = "GET";
  head.target = path;
  head.authority = name.find(':') == std::string::npos ? name : "[" + name + "]";
  head.fields.add("User-Agent", "gatehouse");
  auto sent = co_await connection.send_head(head);
  const http::Fields none;
  if (sent) sent = co_await connection.finish(none);
  auto answer = co_await connection.read_head();
  std::string body;
  bool more = answer.has_value();
  while (more && body.size() <= kAnswerBytes) {
    const auto piece = co_await connection.read();
    more = piece && !piece->empty();
    if (more) body += base::as_text(piece->bytes());
  }
  connection.reset();
  if (!answer) co_return base::fail(std::move(answer.error()));
  if (answer->status >= 300 && answer->status < 400) {
    co_return base::fail(Code::kUnsupported,
                         "sent on with status " + std::to_string(answer->status));
  }
  if (answer->status != 200) {
    co_return other_than("answered with status " + std::to_string(answer->status));
  }
  if (body != authorization) co_return other_than("answered with another body");
  co_return base::Result<void>();
}

base::Task<base::Result<void>> Rehearsal::shake_hands(const OwnListener& listener,
                                                      const std::string& server_name,
                                                      const tls::CertificateRef& certificate,
                                                      base::Deadline deadline) {
  if (!tls_) {
    tls::ClientOptions options;
    options.system_roots = false;
    options.insecure = true;  // it signs itself
    options.alpn = {std::string(kProtocol)};
    auto made = tls::ClientContext::make(std::move(options));
    if (!made) co_return base::fail(std::move(made.error()));
    tls_ = std::move(*made);
  }
  auto transport = co_await dial(listener, deadline);
  if (!transport) co_return base::fail(std::move(transport.error()));
  auto shaken = co_await transport->connect_tls(*tls_, server_name, deadline);
  const bool agreed = shaken && transport->alpn() == kProtocol;
  const auto& leaf = certificate->chain().front();
  const bool shown =
      shaken && transport->peer_certificate() ==
                    base::as_text({CRYPTO_BUFFER_data(leaf.get()), CRYPTO_BUFFER_len(leaf.get())});
  transport->close();
  if (!shaken) co_return base::fail(std::move(shaken.error()));
  if (!agreed) co_return other_than("did not agree on acme-tls/1");
  if (!shown) co_return other_than("showed another certificate");
  co_return base::Result<void>();
}

}  // namespace gatehouse::certs
