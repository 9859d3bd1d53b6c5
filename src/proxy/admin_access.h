// Who may ask and tell a running gatehouse: who can read its storage. No other user of the host,
// and no web page (docs/admin.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/loop.h"
#include "config/model.h"
#include "http/message.h"
#include "storage/storage.h"

namespace gatehouse::proxy {

inline constexpr std::string_view kAdminTokenKey = "admin/token";  // in storage

// The token that storage holds. Errors: kNotFound, others of storage.
base::Task<base::Result<std::string>> load_admin_token(storage::Storage& storage);
// The same; made where there is none, once for all processes that share the storage: 32 random
// bytes in base64url. Errors: those of storage; kTimeout after 10 seconds.
base::Task<base::Result<std::string>> make_admin_token(storage::Storage& storage);

// Shows who answers at `address` that it knows the token, without telling it; so that a client
// gives its token to nobody who took the address while gatehouse did not run. The address is in it
// lest somebody passes the question on.
std::string admin_proof(std::string_view token, std::string_view challenge,
                        const config::Address& address);
// 16 to 128 characters of base64url.
bool is_admin_challenge(std::string_view text);

// Whether nobody but this machine reaches what listens there.
bool is_loopback_only(const config::Address& address);

struct AdminRefusal {
  std::uint16_t status = 0;  // 0: none
  std::string_view why;
};

// Whether a request is refused before it is looked at: 403 with a Host that is neither of the
// loopback nor the one listened at (DNS rebinding), or with Origin (a web page asks); 401 without
// the token, but for GET /health.
AdminRefusal refuse_admin(const http::RequestHead& head, const config::Address& address,
                          std::string_view token);

}  // namespace gatehouse::proxy
