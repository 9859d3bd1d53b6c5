// What may be asked and told, whoever brings it: admin's connections, or a command line that looks
// into storage while no gatehouse runs (docs/admin.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/loop.h"
#include "certs/automation.h"

namespace gatehouse::proxy {

struct AdminRequest {
  std::string method = "GET";
  std::string path;   // "/certificates"
  std::string query;  // "after=a.example&most=100"
  std::string body;   // JSON
};

struct AdminAnswer {
  std::uint16_t status = 200;
  std::string body;   // JSON; {"error": WHAT} when the status is 400 or more
  std::string allow;  // of 405
};

inline constexpr std::size_t kAdminPage = 1000;  // certificates in one answer

// {"error": …} with this status.
AdminAnswer admin_error(std::uint16_t status, std::string_view what);

// On control's loop. `automation` outlives the task; it need not have been started.
base::Task<AdminAnswer> answer_admin(certs::Automation& automation, AdminRequest request);

}  // namespace gatehouse::proxy
