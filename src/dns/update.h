// One TXT record added to a zone, or taken from it (RFC 2136), signed with TSIG.
#pragma once

#include <string>

#include "dns/exchange.h"
#include "dns/tsig.h"

namespace gatehouse::dns {

enum class Change : std::uint8_t { kAdd, kRemove };

inline constexpr std::uint32_t kTtl = 60;  // seconds, of what we add

// The UPDATE message (RFC 2136 2), unsigned. Only the record with this very value is touched:
// others at the same name stay. Errors: kMalformed (no domain name), kTooLarge over 255 bytes of
// value.
base::Result<std::string> make_update(std::uint16_t id, Change change, std::string_view zone,
                                      std::string_view name, std::string_view value);

// Has `server` change the TXT record `value` at `name`, in the zone of its that holds the name: the
// server is asked which. Every message is signed with `key`, and the answers are checked. Errors:
// those of exchange(); kDenied with what the server says and what it may mean.
base::Task<base::Result<void>> update(base::Loop& loop, base::Endpoint server, TsigKey key,
                                      Change change, std::string name, std::string value,
                                      base::Deadline deadline);

}  // namespace gatehouse::dns
