// One HTTP/1.1 request with a small body and a small answer, for our own errands: ACME, ask.
// Connections are kept and reused. On one loop, its thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/loop.h"
#include "base/resolver.h"
#include "http/message.h"
#include "tls/context.h"

namespace gatehouse::http {

// An errand. `url` is http:// or https:// with host, optional port, path and query.
struct ClientRequest {
  std::string method = "GET";
  std::string url;
  Fields fields;  // Host, Content-Length and User-Agent are added
  std::string body;

  ClientRequest() = default;
  ClientRequest(std::string_view m, std::string_view u) : method(m), url(u) {}
};

struct ClientResponse {
  std::uint16_t status = 0;
  Fields fields;
  std::string body;
};

class Client {
 public:
  static constexpr std::size_t kIdlePerHost = 8;
  static constexpr std::size_t kIdleTotal = 64;
  static constexpr base::Duration kIdleFor{20'000};

  // `tls`: trust for https. All three outlive the client. `user_agent`: on every request.
  // `largest_answer`: bytes of a body at most (kTooLarge beyond).
  Client(base::Loop& loop, base::Resolver& resolver, tls::ClientContext& tls,
         std::string user_agent, std::size_t largest_answer = 1024 * 1024);
  // No send() may be under way any more.
  ~Client();

  // Sends and reads the whole answer; every status is a success here, redirects are not followed.
  // A connection that went stale is replaced once, unseen (safe: not one byte was answered).
  // Errors: those of resolve, connect and TLS (nothing was sent: Retry::kYes), kTimeout at the
  // deadline, kMalformed, kTooLarge. Safe to call many times at once.
  base::Task<base::Result<ClientResponse>> send(ClientRequest request, base::Deadline deadline);

  // Closes idle connections.
  void close_idle();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gatehouse::http
