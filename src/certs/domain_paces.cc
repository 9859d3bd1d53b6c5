#include "certs/domain_paces.h"

#include <map>
#include <optional>
#include <utility>

#include "certs/inventory.h"
#include "certs/moment.h"
#include "certs/registered_domain.h"
#include "storage/folder_walk.h"

namespace gatehouse::certs {

namespace {

constexpr base::Duration kPatience{10'000};  // with those whose turn it is

std::string domain_of(std::string_view key) {
  return name_of_segment(key.substr(key.rfind('/') + 1));
}

}  // namespace

DomainPaces::DomainPaces(base::Loop& loop, storage::Storage& storage, std::string issuer,
                         const CaLimits& limits)
    : storage_(storage), issuer_(std::move(issuer)), limits_(limits), turn_(loop, 1, kQueued) {}

std::set<std::string> DomainPaces::keys_of(const std::vector<std::string>& names) const {
  std::set<std::string> keys;
  for (const std::string& name : names) {
    keys.insert("domains/" + issuer_ + '/' + key_segment(registered_domain(name)));
  }
  return keys;
}

base::Task<Pace> DomainPaces::load(std::string key) {
  Pace pace(limits_.domain);
  const auto known = co_await storage_.load(std::move(key));
  // What is damaged counts as nothing, and is written anew.
  if (known) (void)pace.learn(*known, base::wall_now());
  co_return pace;
}

base::Task<void> DomainPaces::store(std::string key, Pace pace) {
  if (pace.full()) {
    (void)co_await storage_.remove(std::move(key));
    co_return;
  }
  std::string text = pace.text();
  (void)co_await storage_.store(std::move(key), std::move(text));
}

base::Task<acme::Outcome<>> DomainPaces::take(std::vector<std::string> names, Urgency urgency) {
  auto turn = co_await turn_.acquire(urgency, base::Deadline::in(kPatience));
  if (!turn) co_return acme::failed(std::move(turn.error()));
  const HeldSlot held(turn_);
  const std::set<std::string> keys = keys_of(names);
  const base::WallTime now = base::wall_now();
  std::map<std::string, Pace> paces;
  std::optional<acme::Failure> refused;
  for (const std::string& key : keys) {
    Pace pace = co_await load(key);
    const auto later = pace.take(now, urgency);
    if (later && !refused) {
      refused.emplace(base::Error(base::Code::kOverload, base::Side::kLocal, base::Retry::kYes,
                                  "the CA " + issuer_ + " limits certificates for names of " +
                                      domain_of(key) + "; the next one waits until " +
                                      text_of(*later)));
      refused->retry_after = *later - now;
      co_await store(key, pace);  // who waits is in it
    }
    paces.insert_or_assign(key, std::move(pace));
  }
  if (refused) co_return acme::failed(std::move(*refused));
  for (auto& [key, pace] : paces) co_await store(key, pace);
  co_return acme::Outcome<>();
}

base::Task<void> DomainPaces::give_back(std::vector<std::string> names) {
  const auto turn = co_await turn_.acquire(Urgency::kBackground, base::Deadline::in(kPatience));
  if (!turn) co_return;
  const HeldSlot held(turn_);
  const std::set<std::string> keys = keys_of(names);
  for (const std::string& key : keys) {
    Pace pace = co_await load(key);
    pace.give_back(base::wall_now());
    co_await store(key, pace);
  }
}

base::Task<void> DomainPaces::forget_full() {
  storage::FolderWalk all(storage_, "domains/" + issuer_);
  while (!all.over()) {
    const auto keys = co_await all.next();
    if (!keys) co_return;
    for (const std::string& key : *keys) {
      const auto turn = co_await turn_.acquire(Urgency::kBackground, base::Deadline::in(kPatience));
      if (!turn) co_return;
      const HeldSlot held(turn_);
      Pace pace = co_await load(key);
      if (pace.full()) (void)co_await storage_.remove(key);
    }
  }
}

}  // namespace gatehouse::certs
