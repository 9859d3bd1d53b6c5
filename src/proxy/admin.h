// Where a running gatehouse is asked and told things, by who can read its storage: a little
// HTTP/1.1 with JSON on control's loop (docs/admin.md).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/gate.h"
#include "base/socket.h"
#include "certs/automation.h"
#include "config/model.h"
#include "http/http1_server.h"
#include "proxy/admin_routes.h"

namespace gatehouse::proxy {

// Where admin listens, for who connects to it too. Errors: those of Endpoint.
base::Result<base::Endpoint> admin_endpoint(const config::Address& address);
// Binds it; a Unix socket is for the process' own user alone (0600). Blocks: at start. Errors:
// those of base::listen_on.
base::Result<int> listen_for_admin(const config::Address& address);

// On one loop. Destroyed after the loop, whose frames may look into it to their end.
class Admin {
 public:
  static constexpr std::size_t kConnections = 16;       // at once; further ones are closed
  static constexpr std::uint64_t kBodyBytes = 65'536;   // of a request
  static constexpr std::size_t kHeadBytes = 8'192;      // the same
  static constexpr base::Duration kRequestTime{5'000};  // to its head, its end, and each body piece
  static constexpr base::Duration kLastAnswers{200};    // that stop() waits for: the drain is over

  // Takes `listener`. The loop and `automation` outlive the tasks.
  Admin(base::Loop& loop, certs::Automation& automation, int listener, config::Address address,
        std::string token);
  ~Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  void start();
  // After start(): closes the listener, and connections once they have their answers.
  base::Task<void> stop();

 private:
  base::Task<void> accept();
  base::Task<void> serve(std::unique_ptr<base::Socket> socket);
  base::Task<base::Result<void>> exchange(http::ServerStream& stream);
  base::Task<AdminAnswer> answer(http::ServerStream& stream);
  AdminAnswer health(const http::RequestHead& head) const;

  base::Loop& loop_;
  certs::Automation& automation_;
  int listener_fd_;  // until start()
  std::optional<base::Socket> listener_;
  const config::Address address_;
  const std::string token_;
  base::Gate gate_;
  std::set<http::Http1Server*> servers_;
};

}  // namespace gatehouse::proxy
