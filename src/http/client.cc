#include "http/client.h"

#include <algorithm>
#include <list>
#include <unordered_map>
#include <utility>

#include "http/http1_client.h"
#include "http/url.h"

namespace gatehouse::http {

namespace {

constexpr base::Duration kLeastTry{1'000};  // for one of several addresses

// Says of an error for which URL it was met.
std::unexpected<base::Error> about(const std::string& url, base::Error error) {
  error.detail = url + ": " + error.detail;
  return base::fail(std::move(error));
}

RequestHead head_of(const ClientRequest& request, const Url& url, const std::string& user_agent) {
  RequestHead head;
  head.method = request.method;
  head.target = url.target;
  head.authority = url.authority;
  head.fields = request.fields;
  if (!head.fields.has("User-Agent")) head.fields.add("User-Agent", user_agent);
  if (!request.body.empty()) head.body = BodyKind::kLength;
  head.content_length = request.body.size();
  return head;
}

// A part of what is left until `deadline`, so that one silent address does not use all of it.
base::Deadline share_of(base::Deadline deadline, std::size_t addresses_left) {
  if (deadline.is_never() || addresses_left < 2) return deadline;
  const auto left = std::chrono::duration_cast<base::Duration>(deadline.at() - base::Clock::now());
  const auto share = std::max(left / static_cast<int>(addresses_left), kLeastTry);
  return base::Deadline::in(share).min(deadline);
}

}  // namespace

struct Client::State {
  struct Idle {
    Idle(std::unique_ptr<Http1Client> c, base::TimePoint s) : connection(std::move(c)), since(s) {}
    std::unique_ptr<Http1Client> connection;
    base::TimePoint since;
  };
  using Connection = std::unique_ptr<Http1Client>;

  State(base::Loop& l, base::Resolver& r, tls::ClientContext& t, std::string agent,
        std::size_t largest)
      : loop(l),
        resolver(r),
        tls(t),
        user_agent(std::move(agent)),
        largest_answer(largest),
        sweep_timer(&State::sweep, this) {}

  static std::string key(const Url& url) {
    return (url.https ? "https://" : "http://") + url.host + " " + std::to_string(url.port);
  }

  Connection take_idle(const Url& url);
  void keep(const Url& url, Connection connection);
  static void sweep(void* self);

  base::Task<base::Result<Connection>> connect(const Url& url, base::Deadline deadline);
  base::Task<base::Result<Connection>> connect_to(const Url& url, base::Endpoint address,
                                                  base::Deadline deadline);
  base::Task<base::Result<ClientResponse>> exchange(Http1Client& connection,
                                                    const RequestHead& head,
                                                    const std::string& body,
                                                    base::Deadline deadline);
  base::Task<base::Result<ClientResponse>> send(ClientRequest request, base::Deadline deadline);

  base::Loop& loop;
  base::Resolver& resolver;
  tls::ClientContext& tls;
  std::string user_agent;
  std::size_t largest_answer;
  std::unordered_map<std::string, std::list<Idle>> idle;  // by key(), oldest first
  std::size_t idle_total = 0;
  base::WheelTimer sweep_timer;
};

Client::State::Connection Client::State::take_idle(const Url& url) {
  const auto found = idle.find(key(url));
  if (found == idle.end()) return nullptr;
  Connection fresh;
  while (!fresh && !found->second.empty()) {
    auto newest = std::move(found->second.back());
    found->second.pop_back();
    --idle_total;
    if (newest.connection->still_idle()) fresh = std::move(newest.connection);
  }
  if (found->second.empty()) idle.erase(found);
  return fresh;
}

void Client::State::keep(const Url& url, Connection connection) {
  if (!connection->reusable() || idle_total >= kIdleTotal) return connection->close();
  auto& of_host = idle[key(url)];
  if (of_host.size() >= kIdlePerHost) return connection->close();
  of_host.emplace_back(std::move(connection), base::Clock::now());
  ++idle_total;
  if (!sweep_timer.armed()) loop.wheel().arm(sweep_timer, base::Deadline::in(kIdleFor));
}

// Closes what has been idle for too long, and comes again while something is left.
void Client::State::sweep(void* self) {
  auto& state = *static_cast<State*>(self);
  const auto until = base::Clock::now() - kIdleFor;
  for (auto host = state.idle.begin(); host != state.idle.end();) {
    auto& list = host->second;
    while (!list.empty() && list.front().since <= until) {
      list.front().connection->close();
      list.pop_front();
      --state.idle_total;
    }
    host = list.empty() ? state.idle.erase(host) : std::next(host);
  }
  if (state.idle_total != 0) {
    state.loop.wheel().arm(state.sweep_timer, base::Deadline::in(kIdleFor / 4));
  }
}

base::Task<base::Result<Client::State::Connection>> Client::State::connect_to(
    const Url& url, base::Endpoint address, base::Deadline deadline) {
  auto socket = co_await base::connect(loop, address, deadline);
  if (!socket) co_return base::fail(std::move(socket.error()));
  tls::Transport transport(std::move(*socket));
  if (url.https) {
    auto shaken = co_await transport.connect_tls(tls, url.host, deadline);
    if (!shaken) co_return base::fail(std::move(shaken.error()));
  }
  Http1ClientOptions options;
  options.response_head = options.body_idle = options.write_stall = base::Duration(0);
  co_return std::make_unique<Http1Client>(std::move(transport), options);
}

base::Task<base::Result<Client::State::Connection>> Client::State::connect(
    const Url& url, base::Deadline deadline) {
  auto addresses = co_await resolver.resolve(loop, url.host, url.port, deadline);
  base::Error last(base::Code::kNotFound, "it has no address");
  if (!addresses) last = std::move(addresses.error());
  const std::size_t count = addresses ? addresses->size() : 0;
  for (std::size_t i = 0; i < count; ++i) {
    auto connected = co_await connect_to(url, (*addresses)[i], share_of(deadline, count - i));
    if (connected) co_return connected;
    last = std::move(connected.error());
    if (deadline.passed()) break;
  }
  last.retry = base::Retry::kYes;
  co_return base::fail(std::move(last));
}

base::Task<base::Result<ClientResponse>> Client::State::exchange(Http1Client& connection,
                                                                 const RequestHead& head,
                                                                 const std::string& body,
                                                                 base::Deadline deadline) {
  connection.limit(deadline);
  auto sent = co_await connection.send_head(head);
  const auto chunk = base::Chunk::of_static(body);  // `body` outlives the exchange
  if (sent) sent = co_await connection.write(chunk);
  if (sent) {
    const Fields no_trailers;
    sent = co_await connection.finish(no_trailers);
  }
  // Even then an answer may be there, and say more than the broken pipe.
  ClientResponse response;
  do {
    auto answer = co_await connection.read_head();
    if (!answer) co_return base::fail(std::move(answer.error()));
    response.status = answer->status;
    response.fields = std::move(answer->fields);
  } while (response.status < 200);
  while (true) {
    const auto piece = co_await connection.read();
    if (!piece) co_return base::fail(base::Error(piece.error()));
    if (piece->empty()) co_return response;
    if (response.body.size() + piece->size() > largest_answer) {
      co_return base::fail(
          base::Code::kTooLarge, base::Side::kUpstream,
          "the answer is larger than " + std::to_string(largest_answer) + " bytes");
    }
    response.body += base::as_text(piece->bytes());
  }
}

base::Task<base::Result<ClientResponse>> Client::State::send(ClientRequest request,
                                                             base::Deadline deadline) {
  const auto url = parse_url(request.url);
  if (!url) co_return base::fail(base::Error(url.error()));
  const auto head = head_of(request, *url, user_agent);
  for (auto connection = take_idle(*url);; connection.reset()) {
    const bool used_before = connection != nullptr;
    if (!used_before) {
      auto connected = co_await connect(*url, deadline);
      if (!connected) co_return about(request.url, std::move(connected.error()));
      connection = std::move(*connected);
    }
    auto response = co_await exchange(*connection, head, request.body, deadline);
    if (response) {
      keep(*url, std::move(connection));
      co_return response;
    }
    connection->reset();
    const bool stale = used_before && response.error().retry == base::Retry::kReused;
    if (!stale) co_return about(request.url, std::move(response.error()));
  }
}

Client::Client(base::Loop& loop, base::Resolver& resolver, tls::ClientContext& tls,
               std::string user_agent, std::size_t largest_answer)
    : state_(std::make_unique<State>(loop, resolver, tls, std::move(user_agent), largest_answer)) {}

Client::~Client() { close_idle(); }

base::Task<base::Result<ClientResponse>> Client::send(ClientRequest request,
                                                      base::Deadline deadline) {
  return state_->send(std::move(request), deadline);
}

void Client::close_idle() {
  for (auto& host : state_->idle) {
    for (auto& one : host.second) one.connection->close();
  }
  state_->idle.clear();
  state_->idle_total = 0;
  state_->sweep_timer.disarm();
}

}  // namespace gatehouse::http
