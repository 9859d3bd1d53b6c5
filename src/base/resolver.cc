#include "base/resolver.h"

#include <netdb.h>

#include <memory>

#include "base/event.h"

namespace gatehouse::base {

namespace {

constexpr std::size_t kAddresses = 16;
using Answer = Result<std::vector<Endpoint>>;

Answer look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const auto service = std::to_string(port);
  const int status = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found);
  if (status != 0) {
    return fail(Code::kNotFound, Side::kUpstream, Retry::kYes,
                "resolve \"" + host + "\": " + ::gai_strerror(status));
  }
  std::vector<Endpoint> endpoints;
  for (const auto* one = found; one != nullptr && endpoints.size() < kAddresses;
       one = one->ai_next) {
    endpoints.emplace_back(one->ai_addr, one->ai_addrlen);
  }
  ::freeaddrinfo(found);
  return endpoints;
}

// Lives until both the query and the one who asked are done with it. Touched only on the loop.
struct Query {
  explicit Query(Loop& loop) : answered(loop) {}
  Event answered;
  Answer answer;
};

Task<void> run_query(BlockingPool& pool, std::shared_ptr<Query> query, std::string host,
                     std::uint16_t port) {
  auto call = [host = std::move(host), port] { return look_up(host, port); };
  query->answer = co_await pool.run(std::move(call));
  query->answered.set();
}

}  // namespace

Task<Answer> Resolver::resolve(Loop& loop, std::string host, std::uint16_t port,
                               Deadline deadline) {
  auto literal = Endpoint::from_ip(host, port);
  if (literal) co_return std::vector<Endpoint>(1, *literal);
  auto query = std::make_shared<Query>(loop);
  const std::string what = host;
  loop.spawn(run_query(pool_, query, std::move(host), port), "resolve");
  auto waited = co_await query->answered.wait(deadline);
  if (!waited) {
    co_return fail(Code::kTimeout, Side::kUpstream, Retry::kYes,
                   "resolve \"" + what + "\": the DNS server did not answer in time");
  }
  co_return std::move(query->answer);
}

}  // namespace gatehouse::base
