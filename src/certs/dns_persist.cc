#include "certs/dns_persist.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "base/log.h"
#include "certs/dns_challenges.h"
#include "dns/propagation.h"
#include "http/fields.h"

namespace gatehouse::certs {

namespace {

using base::Code;

struct Parameter {
  std::string_view tag;
  std::string_view value;
};

const Parameter* find(const std::vector<Parameter>& parameters, std::string_view tag) {
  const auto found = std::ranges::find_if(
      parameters, [tag](const Parameter& one) { return http::equal_names(one.tag, tag); });
  return found == parameters.end() ? nullptr : &*found;
}

// Nothing when one is none, or stands there twice.
std::optional<std::vector<Parameter>> read_parameters(std::string_view text) {
  std::vector<Parameter> parameters;
  while (true) {
    const auto end = text.find(';');
    const std::string_view one = text.substr(0, end);
    const auto equals = one.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const Parameter read{http::without_blanks(one.substr(0, equals)),
                         http::without_blanks(one.substr(equals + 1))};
    if (read.tag.empty() || find(parameters, read.tag) != nullptr) return std::nullopt;
    parameters.push_back(read);
    if (end == std::string_view::npos) return parameters;
    text.remove_prefix(end + 1);
  }
}

bool passed(std::string_view until, base::WallTime now) {
  std::int64_t seconds = 0;
  const auto* end = until.data() + until.size();
  const auto read = std::from_chars(until.data(), end, seconds);
  if (read.ec != std::errc() || read.ptr != end) return true;
  return now.time_since_epoch() > std::chrono::seconds(seconds);
}

}  // namespace

std::string PersistentRecord::text() const {
  return (issuers.empty() ? "" : issuers.front()) + "; accounturi=" + account +
         (wildcard ? "; policy=wildcard" : "");
}

bool PersistentRecord::met_by(std::string_view record, base::WallTime now) const {
  const auto end = record.find(';');
  if (end == std::string_view::npos) return false;
  const std::string_view issuer = http::without_blanks(record.substr(0, end));
  const bool ours = std::ranges::any_of(
      issuers, [issuer](const std::string& one) { return http::equal_names(one, issuer); });
  const auto parameters = read_parameters(record.substr(end + 1));
  if (!ours || !parameters) return false;
  const Parameter* said = find(*parameters, "accounturi");
  if (said == nullptr || said->value != account) return false;
  const Parameter* policy = find(*parameters, "policy");
  const bool wide = policy != nullptr && http::equal_names(policy->value, "wildcard");
  if (wildcard && !wide) return false;
  const Parameter* until = find(*parameters, "persistUntil");
  return until == nullptr || !passed(until->value, now);
}

// Each server must show it.
base::Task<base::Result<void>> DnsChallenges::shown(std::vector<dns::NameServer> servers,
                                                    std::string place,
                                                    const PersistentRecord& wanted,
                                                    base::Deadline deadline) {
  for (const dns::NameServer& server : servers) {
    base::Error why(Code::kNotFound, server.name + " has no address");
    for (const base::Endpoint& address : server.addresses) {
      auto answer =
          co_await dns::ask(parts_.loop, address, place, dns::Type::kTxt, false, deadline);
      if (!answer) {
        why.detail = server.name + ": " + answer.error().detail;
        continue;
      }
      why = base::Error(Code::kNotFound, server.name + " does not show it");
      const bool met = std::ranges::any_of(answer->answers, [&](const dns::Record& record) {
        return record.type == dns::Type::kTxt && wanted.met_by(record.value, base::wall_now());
      });
      if (met) why.detail.clear();
      break;
    }
    if (!why.detail.empty()) co_return base::fail(std::move(why));
  }
  co_return base::Result<void>();
}

base::Task<base::Result<void>> DnsChallenges::persist(std::string name, PersistentRecord wanted,
                                                      base::Deadline deadline) {
  auto lookup = co_await make_lookup();
  if (!lookup) co_return base::fail(std::move(lookup.error()));
  auto place = co_await lookup->canonical(std::string(kPersistLabel) + "." + name, deadline);
  if (!place) co_return base::fail(std::move(place.error()));
  auto servers = co_await servers_of(*lookup, *place, deadline);
  if (!servers) co_return base::fail(std::move(servers.error()));
  auto met = co_await shown(*servers, *place, wanted, deadline);
  const bool settable =
      provider_ && provider_->most_values() == std::numeric_limits<std::size_t>::max();
  if (!met && settable) {
    DnsRecord record;
    record.name = *place;
    record.value = wanted.text();
    met = co_await set(record, deadline);
    const auto end = deadline.min(base::Deadline::in(options_.propagation));
    if (met) {
      met =
          co_await dns::await_txt(parts_.loop, std::move(*servers), record.name, record.value, end);
    }
  }
  if (met) co_return base::Result<void>();
  met.error().detail = "set a TXT record at " + *place + " with the value \"" + wanted.text() +
                       "\", once and for good: " + met.error().detail;
  co_return met;
}

}  // namespace gatehouse::certs
