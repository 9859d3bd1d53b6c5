#include "dns/propagation.h"

#include <algorithm>

#include "base/event.h"

namespace gatehouse::dns {

namespace {

bool shows(const Answer& answer, const std::string& value) {
  return std::ranges::any_of(answer.answers, [&](const Record& record) {
    return record.type == Type::kTxt && record.value == value;
  });
}

// Why the server does not show the value; empty when it does.
base::Task<std::string> look(base::Loop& loop, const NameServer& server, std::string name,
                             const std::string& value, base::Deadline deadline) {
  std::string why = server.name + " has no address";
  for (const base::Endpoint& address : server.addresses) {
    auto answer = co_await ask(loop, address, name, Type::kTxt, false, deadline);
    if (answer) {
      if (shows(*answer, value)) co_return std::string();
      co_return server.name + " does not show it";
    }
    why = server.name + ": " + answer.error().detail;
  }
  co_return why;
}

}  // namespace

base::Task<base::Result<void>> await_txt(base::Loop& loop, std::vector<NameServer> servers,
                                         std::string name, std::string value,
                                         base::Deadline deadline) {
  std::string missing;
  while (!servers.empty()) {
    missing.clear();
    std::vector<NameServer> left;
    for (NameServer& server : servers) {
      std::string why = co_await look(loop, server, name, value, deadline);
      if (why.empty()) continue;
      missing += (missing.empty() ? "" : "; ") + why;
      left.push_back(std::move(server));
    }
    servers = std::move(left);
    if (servers.empty()) break;
    co_await base::sleep_until(loop, base::Deadline::in(kLookAgain).min(deadline));
    // Who is asked when no time is left does not answer, and what was seen before is the better
    // word.
    if (deadline.passed()) {
      co_return base::fail(base::Code::kTimeout, base::Side::kUpstream, base::Retry::kYes,
                           "the TXT record at " + name + " is not everywhere yet: " + missing);
    }
  }
  co_return base::Result<void>();
}

}  // namespace gatehouse::dns
