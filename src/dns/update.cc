#include "dns/update.h"

#include <arpa/nameser.h>

#include "dns/lookup.h"

namespace gatehouse::dns {

namespace {

using base::Code;
using base::Side;

constexpr std::uint16_t kOpcode = 5 << 11;
constexpr std::size_t kLargestString = 255;

std::unexpected<base::Error> at_server(const base::Endpoint& server, const base::Error& why) {
  const std::string prefix = "DNS server " + server.text() + ": ";
  return base::fail(why.code, Side::kUpstream, base::Retry::kYes,
                    why.detail.starts_with(prefix) ? why.detail : prefix + why.detail);
}

base::Task<base::Result<std::string>> signed_exchange(base::Loop& loop, base::Endpoint server,
                                                      const TsigKey& key, std::string message,
                                                      base::Deadline deadline) {
  auto made = sign(std::move(message), key, base::wall_now());
  if (!made) co_return base::fail(std::move(made.error()));
  auto answer = co_await exchange(loop, server, std::move(made->message), deadline);
  if (!answer) co_return base::fail(std::move(answer.error()));
  auto verified = verify(*answer, key, made->mac, base::wall_now());
  if (!verified) co_return at_server(server, verified.error());
  co_return std::move(*answer);
}

base::Task<base::Result<std::string>> zone_at(base::Loop& loop, base::Endpoint server,
                                              const TsigKey& key, std::string name,
                                              base::Deadline deadline) {
  for (std::string at = name; !at.empty(); at = parent_of(at)) {
    const auto id = make_id();
    auto query = make_query(id, at, Type::kSoa, false);
    if (!query) co_return base::fail(std::move(query.error()));
    auto came = co_await signed_exchange(loop, server, key, std::move(*query), deadline);
    if (!came) co_return base::fail(std::move(came.error()));
    auto answer = read_answer(*came, id, at, Type::kSoa);
    if (!answer) co_return at_server(server, answer.error());
    std::string zone = zone_in(*answer, name);
    if (!zone.empty()) co_return std::move(zone);
  }
  const base::Error none(Code::kNotFound, "it has no zone that holds " + name);
  co_return at_server(server, none);
}

// What an UPDATE was answered with.
base::Result<unsigned> read_rcode(std::string_view message, std::uint16_t id) {
  ns_msg parsed{};
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  if (ns_initparse(bytes, static_cast<int>(message.size()), &parsed) != 0 ||
      ns_msg_id(parsed) != id || ns_msg_getflag(parsed, ns_f_qr) != 1) {
    return base::fail(Code::kMalformed, "what came is no answer to an UPDATE");
  }
  return static_cast<unsigned>(ns_msg_getflag(parsed, ns_f_rcode));
}

}  // namespace

base::Result<std::string> make_update(std::uint16_t id, Change change, std::string_view zone,
                                      std::string_view name, std::string_view value) {
  if (value.size() > kLargestString) {
    return base::fail(Code::kTooLarge, "a TXT string has 255 bytes at most");
  }
  std::string message;
  append_u16(message, id);
  append_u16(message, kOpcode);
  for (const unsigned count : {1u, 0u, 1u, 0u}) append_u16(message, count);
  auto named = append_name(message, zone);
  if (!named) return base::fail(std::move(named.error()));
  append_u16(message, ns_t_soa);
  append_u16(message, ns_c_in);
  named = append_name(message, name);
  if (!named) return base::fail(std::move(named.error()));
  append_u16(message, ns_t_txt);
  append_u16(message, change == Change::kAdd ? ns_c_in : ns_c_none);  // RFC 2136 2.5.1, 2.5.4
  append_u32(message, change == Change::kAdd ? kTtl : 0);
  append_u16(message, value.size() + 1);
  message += static_cast<char>(value.size());
  return message.append(value);
}

base::Task<base::Result<void>> update(base::Loop& loop, base::Endpoint server, TsigKey key,
                                      Change change, std::string name, std::string value,
                                      base::Deadline deadline) {
  auto zone = co_await zone_at(loop, server, key, name, deadline);
  if (!zone) co_return base::fail(std::move(zone.error()));
  const auto id = make_id();
  auto message = make_update(id, change, *zone, name, value);
  if (!message) co_return base::fail(std::move(message.error()));
  auto came = co_await signed_exchange(loop, server, key, std::move(*message), deadline);
  if (!came) co_return base::fail(std::move(came.error()));
  auto rcode = read_rcode(*came, id);
  if (!rcode) co_return at_server(server, rcode.error());
  if (*rcode == 0) co_return base::Result<void>();
  const base::Error said(Code::kDenied, "it answers " + rcode_name(*rcode) + " to an update of " +
                                            name + " in the zone " + *zone + " with the key \"" +
                                            key.name + "\"; may that key update that zone there?");
  co_return at_server(server, said);
}

}  // namespace gatehouse::dns
