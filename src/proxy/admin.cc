#include "proxy/admin.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "proxy/admin_access.h"
#include "proxy/admin_json.h"
#include "proxy/respond.h"

namespace gatehouse::proxy {

namespace {

// Accepting goes on after this when the process has no descriptors left.
constexpr base::Duration kAcceptPause{100};
constexpr std::string_view kChallenge = "challenge=";

http::Http1ServerOptions admin_options() {
  http::Http1ServerOptions options;
  options.head.head_bytes = Admin::kHeadBytes;
  options.body_bytes = Admin::kBodyBytes;
  options.request_head = options.body_idle = options.idle = Admin::kRequestTime;
  return options;
}

std::uint16_t status_of_body(base::Code code) {
  if (code == base::Code::kTooLarge) return 413;
  return code == base::Code::kTimeout ? 408 : 400;
}

// What is still to come of the request, in one piece: Http1Server bounds it.
base::Task<base::Result<std::string>> read_body(http::ServerStream& stream) {
  std::string body;
  const base::Deadline end = base::Deadline::in(Admin::kRequestTime * 2);
  while (true) {
    const auto piece = co_await stream.read();
    if (!piece) co_return base::fail(base::Error(piece.error()));
    if (piece->empty()) co_return body;
    body += base::as_text(piece->bytes());
    if (end.passed()) co_return base::fail(base::Code::kTimeout, "the body comes too slowly");
  }
}

}  // namespace

base::Result<base::Endpoint> admin_endpoint(const config::Address& address) {
  if (!address.unix_path.empty()) return base::Endpoint::from_unix(address.unix_path);
  if (address.host.empty()) return base::Endpoint::any(address.port);
  return base::Endpoint::from_ip(address.host, address.port);
}

base::Result<int> listen_for_admin(const config::Address& address) {
  auto endpoint = admin_endpoint(address);
  if (!endpoint) return base::fail(std::move(endpoint.error()));
  auto listener = base::listen_on(*endpoint, false);
  if (listener && !address.unix_path.empty()) ::chmod(address.unix_path.c_str(), 0600);
  return listener;
}

Admin::Admin(base::Loop& loop, certs::Automation& automation, int listener, config::Address address,
             std::string token)
    : loop_(loop),
      automation_(automation),
      listener_fd_(listener),
      address_(std::move(address)),
      token_(std::move(token)),
      gate_(loop) {}

Admin::~Admin() {
  if (listener_fd_ >= 0) ::close(listener_fd_);
}

void Admin::start() {
  listener_.emplace(loop_, std::exchange(listener_fd_, -1));
  gate_.spawn(accept(), "admin");
}

base::Task<void> Admin::stop() {
  listener_->close();
  for (auto* server : servers_) server->set_draining();
  (void)co_await gate_.close(base::Deadline::in(kLastAnswers));
}

base::Task<void> Admin::accept() {
  while (true) {
    auto socket = co_await base::accept(*listener_);
    if (!socket && socket.error().code == base::Code::kCancelled) co_return;
    if (!socket) {
      const auto next = base::Deadline::in(kAcceptPause);
      co_await base::sleep_until(loop_, next);
      continue;
    }
    if (gate_.count() > kConnections) continue;  // itself among them: the new one is closed
    auto owned = std::make_unique<base::Socket>(std::move(*socket));
    gate_.spawn(serve(std::move(owned)), "an admin connection");
  }
}

// One request a connection: nobody who asks is in a hurry, and none is held up at the end.
base::Task<void> Admin::serve(std::unique_ptr<base::Socket> socket) {
  tls::Transport transport(std::move(*socket));
  http::Http1Server server(transport, admin_options());
  servers_.insert(&server);
  const auto stream = co_await server.next();
  server.set_draining();
  if (stream && *stream != nullptr) {
    const auto done = co_await exchange(**stream);
    if (done) (void)co_await server.next();  // what is left of the body
  }
  servers_.erase(&server);
  transport.close();
}

base::Task<base::Result<void>> Admin::exchange(http::ServerStream& stream) {
  auto answered = co_await answer(stream);
  http::ResponseHead head;
  head.status = answered.status;
  head.fields.add("Content-Type", "application/json");
  head.fields.add("Cache-Control", "no-store");
  if (answered.status == 401) head.fields.add("WWW-Authenticate", "Bearer");
  if (!answered.allow.empty()) head.fields.add("Allow", answered.allow);
  std::string body = std::move(answered.body) + "\n";
  co_return co_await respond_text(stream, std::move(head), std::move(body));
}

base::Task<AdminAnswer> Admin::answer(http::ServerStream& stream) {
  const http::RequestHead& head = stream.head();
  const AdminRefusal refusal = refuse_admin(head, address_, token_);
  if (refusal.status != 0) co_return admin_error(refusal.status, refusal.why);
  if (head.path() == "/health") co_return health(head);
  AdminRequest request;
  request.method = std::string_view(head.method);
  request.path = head.path();
  request.query = head.query();
  auto body = co_await read_body(stream);
  if (!body) co_return admin_error(status_of_body(body.error().code), body.error().detail);
  request.body = std::move(*body);
  co_return co_await answer_admin(automation_, std::move(request));
}

AdminAnswer Admin::health(const http::RequestHead& head) const {
  if (head.method != "GET") {
    auto answer = admin_error(405, "this is for GET");
    answer.allow = "GET";
    return answer;
  }
  AdminJson json;
  json["status"] = "ok";
  std::string_view query = head.query();
  if (query.starts_with(kChallenge)) {
    query.remove_prefix(kChallenge.size());
    if (!is_admin_challenge(query)) {
      return admin_error(400, "challenge: expected 16 to 128 characters of base64url");
    }
    json["proof"] = admin_proof(token_, query, address_);
  }
  AdminAnswer answer;
  answer.body = text_of(json);
  return answer;
}

}  // namespace gatehouse::proxy
