#include "certs/dns_challenges.h"

#include <openssl/sha.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"
#include "dns/propagation.h"
#include "storage/folder_walk.h"

namespace gatehouse::certs {

namespace {

using base::Code;

// Enough of a digest to be the only one of its kind, in letters that a storage key may have.
std::string digest_of(std::string_view text) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), digest.data());
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < 16; ++i) {
    out += kHex[digest[i] >> 4];
    out += kHex[digest[i] & 15];
  }
  return out;
}

std::string note_of(const DnsRecord& record) {
  nlohmann::json document;
  document["name"] = record.name;
  document["value"] = record.value;
  return document.dump();
}

bool read_note(std::string_view text, DnsRecord& out) {
  const auto document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object()) return false;
  const auto name = document.find("name");
  const auto value = document.find("value");
  if (name == document.end() || value == document.end()) return false;
  if (!name->is_string() || !value->is_string()) return false;
  out.name = name->get<std::string>();
  out.value = value->get<std::string>();
  return true;
}

base::Error naming(const DnsRecord& record, base::Error error) {
  if (error.detail.find(record.name) == std::string::npos) {
    error.detail = record.name + ": " + error.detail;
  }
  return error;
}

std::vector<dns::NameServer> named_by_address(const std::vector<base::Endpoint>& addresses) {
  std::vector<dns::NameServer> servers;
  for (const base::Endpoint& address : addresses) {
    dns::NameServer server;
    server.name = address.text();
    server.addresses.push_back(address);
    servers.push_back(std::move(server));
  }
  return servers;
}

}  // namespace

DnsChallenges::DnsChallenges(Parts parts, std::unique_ptr<DnsProvider> provider, DnsOptions options)
    : parts_(parts),
      provider_(std::move(provider)),
      options_(std::move(options)),
      folder_("dns/" + digest_of(provider_ ? provider_->id() : "")),
      calls_(parts_.loop, 1, kQueued),
      places_(parts_.loop, provider_ ? provider_->most_values() : 1, kQueued) {}

base::Task<base::Result<DnsRecord>> DnsChallenges::present(std::string name, std::string value,
                                                           base::Deadline deadline,
                                                           std::string label) {
  auto lookup = co_await make_lookup();
  if (!lookup) co_return base::fail(std::move(lookup.error()));
  const std::string challenge = label + "." + name;
  auto place = co_await lookup->canonical(challenge, deadline);
  if (!place) co_return base::fail(std::move(place.error()));
  auto prepared = co_await prepare(challenge, *place, deadline);
  if (!prepared) co_return base::fail(std::move(prepared.error()));
  auto servers = co_await servers_of(*lookup, *place, deadline);
  if (!servers) co_return base::fail(std::move(servers.error()));
  DnsRecord record;
  record.name = std::move(*place);
  record.value = std::move(value);
  record.key = folder_ + "/" + digest_of(record.name + " " + record.value);
  auto remembered = co_await remember(record, deadline);
  if (!remembered) co_return base::fail(std::move(remembered.error()));
  record.servers = std::move(*servers);
  auto added = co_await set(record, deadline);
  if (added) co_return std::move(record);
  base::Error error = naming(record, std::move(added.error()));
  co_await withdraw(std::move(record));
  co_return base::fail(std::move(error));
}

base::Task<base::Result<void>> DnsChallenges::shown(const DnsRecord& record, base::TimePoint since,
                                                    base::Deadline deadline) {
  const base::TimePoint last = base::Clock::now() + kLastLook;
  const base::Deadline end(std::max(since + options_.propagation, last));
  auto seen = co_await dns::await_txt(parts_.loop, record.servers, record.name, record.value,
                                      end.min(deadline));
  if (!seen) co_return base::fail(naming(record, std::move(seen.error())));
  co_return base::Result<void>();
}

base::Duration DnsChallenges::time_for(std::size_t names) const {
  return options_.propagation + kSetTime * names;
}

// Each time: what the system's resolvers are may change.
base::Task<base::Result<dns::Lookup>> DnsChallenges::make_lookup() {
  if (!options_.resolvers.empty()) co_return dns::Lookup(parts_.loop, options_.resolvers);
  auto read = [] { return base::Result<std::vector<base::Endpoint>>(dns::system_resolvers()); };
  auto system = co_await parts_.blocking.run(read);
  if (!system) co_return base::fail(std::move(system.error()));
  co_return dns::Lookup(parts_.loop, std::move(*system));
}

base::Task<base::Result<std::vector<dns::NameServer>>> DnsChallenges::servers_of(
    dns::Lookup& lookup, std::string name, base::Deadline deadline) {
  if (options_.servers) co_return named_by_address(*options_.servers);
  auto zone = co_await lookup.zone_of(std::move(name), deadline);
  if (!zone) co_return base::fail(std::move(zone.error()));
  auto servers = co_await lookup.servers_of(std::move(*zone), deadline);
  co_return std::move(servers);
}

base::Task<base::Result<void>> DnsChallenges::prepare(std::string challenge, std::string place,
                                                      base::Deadline deadline) {
  auto turn = co_await calls_.acquire(Urgency::kBackground, deadline);
  if (!turn) co_return base::fail(std::move(turn.error()));
  const HeldSlot held(calls_);
  auto prepared = co_await provider_->prepare(std::move(challenge), std::move(place), deadline);
  co_return prepared;
}

// Before the provider hears of it, so that a crash leaves nothing that nobody knows of.
base::Task<base::Result<void>> DnsChallenges::remember(DnsRecord& record, base::Deadline deadline) {
  auto lease = co_await parts_.storage.lease(record.key, deadline);
  if (!lease && lease.error().code == Code::kTimeout) co_return base::fail(lease.error());
  if (lease) record.lease = std::move(*lease);
  auto saved = co_await parts_.storage.store(record.key, note_of(record));
  if (!saved) {
    base::log::error("storage does not remember a DNS record; a crash would leave it behind",
                     {{"name", record.name}, {"error", saved.error().detail}});
  }
  auto place = co_await places_.acquire(Urgency::kBackground, deadline);
  if (!place) {
    (void)co_await parts_.storage.remove(record.key);
    co_return base::fail(std::move(place.error()));
  }
  record.counted = true;
  co_return base::Result<void>();
}

base::Task<base::Result<void>> DnsChallenges::set(const DnsRecord& record,
                                                  base::Deadline deadline) {
  auto turn = co_await calls_.acquire(Urgency::kHandshake, deadline);
  if (!turn) co_return base::fail(std::move(turn.error()));
  const HeldSlot held(calls_);
  auto added = co_await provider_->add(record.name, record.value, deadline);
  if (added) base::log::info("DNS record set", {{"name", record.name}, {"by", provider_->id()}});
  co_return added;
}

base::Task<void> DnsChallenges::withdraw(DnsRecord record) {
  const auto shared = std::make_shared<DnsRecord>(std::move(record));
  const bool begun = parts_.tasks.spawn(take_back(shared), "removing a DNS record");
  if (!begun) co_await take_back(shared);  // the process stops: in the time of who asked
}

base::Task<void> DnsChallenges::take_back(std::shared_ptr<DnsRecord> record) {
  const auto deadline = base::Deadline::in(kRemoveTime);
  base::Result<void> removed;
  auto turn = co_await calls_.acquire(Urgency::kBackground, deadline);
  if (turn) {
    const HeldSlot held(calls_);
    removed = co_await provider_->remove(record->name, record->value, deadline);
  } else {
    removed = base::fail(std::move(turn.error()));
  }
  if (record->counted) places_.release();
  if (removed) removed = co_await parts_.storage.remove(record->key);
  record->lease.release();
  if (removed) co_return;
  left_ = true;
  removals_ = kRemovals;
  base::log::error("a DNS record may be left; its removal is tried again",
                   {{"name", record->name},
                    {"value", record->value},
                    {"by", provider_->id()},
                    {"error", removed.error().detail}});
}

base::Task<void> DnsChallenges::remove_leftovers() {
  if (!provider_ || !left_ || removals_ == 0) co_return;
  const unsigned removals = removals_ - 1;
  left_ = false;
  co_await remove_all_leftovers();
  removals_ = removals;  // what failed again is nothing new
}

base::Task<void> DnsChallenges::remove_all_leftovers() {
  storage::FolderWalk all(parts_.storage, folder_);
  while (!all.over() && !parts_.tasks.closed()) {
    const auto keys = co_await all.next();
    if (!keys) {
      base::log::error("storage does not tell which DNS records are left",
                       {{"error", keys.error().detail}});
      left_ = true;
      co_return;
    }
    for (const std::string& key : *keys) {
      if (!parts_.tasks.closed()) co_await remove_leftover(key);
    }
  }
}

base::Task<void> DnsChallenges::remove_leftover(std::string key) {
  // Who holds the lease needs the record still.
  auto lease = co_await parts_.storage.lease(key, base::Deadline(base::Clock::now()));
  if (!lease) co_return;
  auto record = std::make_shared<DnsRecord>();
  record->key = key;
  record->lease = std::move(*lease);
  auto text = co_await parts_.storage.load(key);
  if (!text && text.error().code == Code::kNotFound) co_return;
  if (!text || !read_note(*text, *record)) {
    auto kept = co_await parts_.storage.set_aside(key);
    base::log::error("the note of a DNS record cannot be read; it is kept aside",
                     {{"record", key}, {"kept", kept ? *kept : kept.error().detail}});
    co_return;
  }
  base::log::info("removing a DNS record that was left",
                  {{"name", record->name}, {"value", record->value}});
  co_await take_back(std::move(record));
}

}  // namespace gatehouse::certs
