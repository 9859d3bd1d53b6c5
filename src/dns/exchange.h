// One question to one DNS server and its answer, over TCP (RFC 7766): every server speaks it, no
// answer is too long for it, and nobody who is not on the way can answer in the server's place.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/loop.h"
#include "dns/message.h"

namespace gatehouse::dns {

inline constexpr std::uint16_t kPort = 53;
inline constexpr base::Duration kAnswerTime{5'000};  // of one server, connecting included

// Random, so that nobody knows it before.
std::uint16_t make_id();

// Sends a whole message and returns the one that comes back. Ends after kAnswerTime or at
// `deadline`. Errors name the server; all may be tried again.
base::Task<base::Result<std::string>> exchange(base::Loop& loop, base::Endpoint server,
                                               std::string message, base::Deadline deadline);

// Asks `server` for `name`. An answer is NOERROR or NXDOMAIN; what else the server says is the
// error kDenied. The other errors are those of exchange() and read_answer().
base::Task<base::Result<Answer>> ask(base::Loop& loop, base::Endpoint server, std::string name,
                                     Type type, bool recurse, base::Deadline deadline);

}  // namespace gatehouse::dns
