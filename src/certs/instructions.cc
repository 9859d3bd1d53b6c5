#include "certs/instructions.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/log.h"
#include "certs/joint_names.h"

namespace gatehouse::certs {

namespace {

NameOutcome failure_of(std::string name, const base::Error& error) {
  NameOutcome outcome;
  outcome.name = std::move(name);
  outcome.outcome = "failed";
  outcome.error = error.detail;
  return outcome;
}

bool is_ours(const HostRules::Match& site, const std::string& name) {
  if (site.policy == nullptr) return false;
  const Source source = site.policy->source;
  return (source == Source::kManaged || source == Source::kOnDemand) &&
         site.certificate_name(name) == name;
}

// What the name's certificate is called here: of several names that share one, the first.
std::string certificate_name(const HostRules& rules, const std::string& name) {
  const HostRules::Match site = rules.find(name);
  return site.policy != nullptr && site.policy->joint ? site.policy->joint->front() : name;
}

base::Result<void> check_count(std::size_t names) {
  if (names <= Instructions::kMostNames) return {};
  return base::fail(base::Code::kTooLarge,
                    std::to_string(names) + " names are too many at once: name " +
                        std::to_string(Instructions::kMostNames) + " at most");
}

bool is_lost(const base::Error& error) {
  return error.code == base::Code::kNotFound || error.code == base::Code::kDamaged;
}

}  // namespace

// --- changed ---

base::Task<NameOutcomes> Instructions::changed(std::vector<std::string> names) {
  auto few = check_count(names.size());
  if (!few) co_return base::fail(std::move(few.error()));
  std::vector<NameOutcome> outcomes;
  for (const auto& name : names) {
    const std::string called = certificate_name(parts_.rules, std::string(name_of_label(name)));
    for (const auto& label : parts_.orders.key_types().known_labels(called)) {
      auto outcome = co_await changed_one(label, true);
      outcome.name = is_rsa_label(label) ? rsa_label(name_of_label(name)) : name;
      outcomes.push_back(std::move(outcome));
    }
  }
  co_return outcomes;
}

// What lasts longest of what was not revoked, or was signed last where nobody has told that it
// changed; of several names rather one for all. By the configured issuers, or imported, or by
// former ones.
struct Instructions::Held {
  Held(const OrderRequest& request, bool was_told) : order(request), told(was_told) {}

  const OrderRequest& order;
  const bool told;
  std::optional<Record> newest;
  std::set<std::string> revoked;  // serial numbers
  bool withheld = false;          // one was revoked, and is not to be replaced

  void add(Record record) {
    if (!record.certificate->is_of(order.keys)) return;  // not moved to its label yet
    const auto& leaf = record.certificate->leaf();
    if (record.revoked) {
      withheld = withheld || !record.revoked->replace;
      revoked.insert(leaf.serial);
      return;
    }
    if (!newest || rank(record) > rank(*newest)) newest = std::move(record);
  }
  std::pair<bool, base::WallTime> rank(const Record& record) const {
    const auto& leaf = record.certificate->leaf();
    return {!order.joint() || covers_all(*record.certificate, order.names),
            told ? leaf.not_after : leaf.not_before};
  }
  bool is_newest(const tls::Certificate& served) const {
    return newest && newest->certificate->leaf().serial == served.leaf().serial;
  }
};

base::Task<base::Result<Instructions::Held>> Instructions::held_of(const OrderRequest& order,
                                                                   bool told) {
  Held held(order, told);
  for (const Issuer* issuer : order.issuers) {
    auto added = co_await add_records(order, issuer->id(), held);
    if (!added) co_return base::fail(std::move(added.error()));
  }
  auto imported = co_await parts_.inventory.load_imported(order.name);
  if (!imported && !is_lost(imported.error())) co_return base::fail(std::move(imported.error()));
  if (imported) held.add(std::move(*imported));
  const auto former = parts_.orders.former_issuers(order.issuers);
  for (std::size_t i = 0; i < former.size() && !held.newest; ++i) {
    auto added = co_await add_records(order, former[i], held);
    if (!added) co_return base::fail(std::move(added.error()));
  }
  if (held.newest) {
    Record& newest = *held.newest;
    newest.plan = co_await parts_.inventory.load_plan(newest.issuer, newest.label());
  }
  co_return held;
}

base::Task<base::Result<void>> Instructions::add_records(const OrderRequest& order,
                                                         std::string issuer, Held& held) {
  for (const std::string& name : order.names) {
    auto record = co_await parts_.inventory.load(issuer, order.label_of(name));
    if (!record && !is_lost(record.error())) co_return base::fail(std::move(record.error()));
    if (record) held.add(std::move(*record));
  }
  co_return base::Result<void>();
}

base::Task<void> Instructions::look(std::string label) {
  std::string called = certificate_name(parts_.rules, std::string(name_of_label(label)));
  if (is_rsa_label(label)) called = rsa_label(called);
  (void)co_await changed_one(std::move(called), false);
}

// What storage holds may be older than what is served: storage may have failed when that came.
bool Instructions::is_news(const Held& held, const OrderRequest& order, bool managed) const {
  const bool valid = held.newest && held.newest->certificate->valid_at(parts_.now());
  const bool demanded = valid && held.newest->plan && held.newest->plan->demanded;
  return std::ranges::any_of(order.names, [&](const std::string& name) {
    const auto served = parts_.certificates.find_exact(name, order.keys);
    if (served && held.revoked.contains(served->leaf().serial)) return true;
    if (!valid || (order.joint() && !held.newest->certificate->covers(name))) return false;
    if (!served) return managed;
    const auto& leaf = held.newest->certificate->leaf();
    if (held.is_newest(*served)) {
      return demanded && held.newest->plan->serial == leaf.serial;
    }
    return leaf.not_before > served->leaf().not_before;
  });
}

base::Task<NameOutcome> Instructions::changed_one(std::string label, bool told) {
  NameOutcome outcome;
  outcome.name = label;
  const std::string name(name_of_label(label));
  const HostRules::Match site = parts_.rules.find(name);
  if (!is_ours(site, name)) {
    outcome.outcome = "unknown";
    co_return outcome;
  }
  if (told) parts_.orders.read_failures_again(label);
  std::vector<std::string> names = site.certificate_names(name);
  std::vector<Issuer*> issuers = parts_.issuers.for_names(names, *site.policy);
  const OrderRequest order(std::move(names), std::move(issuers), Urgency::kBackground,
                           parts_.orders.key_types().kinds(label));
  const auto held = co_await held_of(order, told);
  if (!held) co_return failure_of(label, held.error());
  const bool managed = site.policy->source == Source::kManaged;
  if (!told && !is_news(*held, order, managed)) co_return outcome;
  if (!held->newest || !held->newest->certificate->valid_at(parts_.now())) {
    co_return withdraw(*held, order, managed);
  }
  serve_newest(*held, order);
  outcome.outcome = "served";
  co_return outcome;
}

void Instructions::serve_newest(const Held& held, const OrderRequest& order) {
  parts_.orders.serve(*held.newest, order);
  // Of several names, those that it is not for.
  for (const std::string& name : order.names) {
    const auto served = parts_.certificates.find_exact(name, order.keys);
    const bool revoked = served && held.revoked.contains(served->leaf().serial);
    if (revoked) parts_.certificates.remove(name, order.keys);
  }
  if (!parts_.orders.key_types().wants(order.name)) parts_.schedule.remove(order.name);
  base::log::info("a certificate that was changed in storage is served",
                  {{"name", order.name}, {"serial", held.newest->certificate->leaf().serial}});
}

// What has expired is better than nothing, but not what was taken away.
NameOutcome Instructions::withdraw(const Held& held, const OrderRequest& order, bool managed) {
  bool served = false;
  bool kept = false;
  for (const std::string& name : order.names) {
    const auto there = parts_.certificates.find_exact(name, order.keys);
    if (!there) continue;
    served = true;
    if (held.is_newest(*there)) {
      kept = true;
    } else {
      parts_.certificates.remove(name, order.keys);
    }
  }
  const bool wanted = parts_.orders.key_types().wants(order.name) && (served || managed);
  if (wanted && !held.withheld) {
    parts_.schedule.set(order.name, parts_.now());
  } else {
    parts_.schedule.remove(order.name);  // the next handshake orders
  }
  NameOutcome outcome;
  outcome.name = order.name;
  outcome.outcome = kept ? "kept" : "withdrawn";
  base::log::info("storage holds no valid certificate any more",
                  {{"name", order.name},
                   {"served", kept ? "yes" : "no"},
                   {"ordered", held.withheld ? "no" : "yes"}});
  return outcome;
}

// --- renew ---

base::Task<NameOutcomes> Instructions::renew(std::vector<std::string> names, bool wait) {
  auto few = check_count(names.size());
  if (!few) co_return base::fail(std::move(few.error()));
  std::vector<std::string> found;
  for (const auto& name : names) {
    auto status = co_await parts_.overview.of(name);
    if (!status) co_return base::fail(std::move(status.error()));
    if (status->source == Source::kFiles) {
      co_return base::fail(base::Code::kDenied, "the certificate of " + name +
                                                    " is from a file: whoever writes the file "
                                                    "renews it");
    }
    const std::string called = certificate_name(parts_.rules, status->name);
    if (!is_ours(parts_.rules.find(called), called)) {
      co_return base::fail(base::Code::kDenied,
                           "no site of the configuration wants a certificate of " + name);
    }
    for (const auto& label : parts_.orders.key_types().labels(called)) {
      if (is_rsa_label(name) && !is_rsa_label(label)) continue;  // that one is meant
      if (std::ranges::find(found, label) == found.end()) found.push_back(label);
    }
  }
  co_return co_await put_down(std::move(found), wait);
}

base::Task<NameOutcomes> Instructions::renew_all(bool wait) {
  auto all = co_await parts_.overview.names();
  if (!all) co_return base::fail(std::move(all.error()));
  std::vector<std::string> names;
  for (const auto& [label, former] : *all) {
    const std::string of(name_of_label(label));
    const bool wanted = parts_.orders.key_types().wants(label);
    if (wanted && is_ours(parts_.rules.find(of), of)) names.push_back(label);
  }
  auto few = check_count(names.size());
  if (!few) co_return base::fail(std::move(few.error()));
  co_return co_await put_down(std::move(names), wait);
}

// Writes down that the label's certificates are due, all of them: one that is not would do.
base::Task<base::Result<void>> Instructions::demand(const std::string& label) {
  const base::WallTime now = parts_.now();
  // Of issuers that are configured no more, too: what one has signed may be what is served.
  const auto stored = co_await parts_.inventory.list_issuers();
  if (!stored) co_return base::fail(base::Error(stored.error()));
  for (const std::string& issuer : *stored) {
    auto record = co_await parts_.inventory.load(issuer, label);
    if (!record && !is_lost(record.error())) co_return base::fail(std::move(record.error()));
    if (!record || !record->certificate->valid_at(now)) continue;
    const std::string& serial = record->certificate->leaf().serial;
    const std::string called = record->label();
    auto plan = co_await parts_.inventory.load_plan(issuer, called);
    if (!plan || plan->serial != serial) plan = RenewalPlan();
    plan->serial = serial;
    plan->demanded = now;
    auto saved = co_await parts_.inventory.save_plan(issuer, called, std::move(*plan));
    if (!saved) co_return base::fail(std::move(saved.error()));
  }
  auto failures = co_await parts_.inventory.load_failures(label);
  if (!failures) co_return base::fail(std::move(failures.error()));
  if (failures->count != 0 && failures->next_attempt > now) {
    failures->next_attempt = now;
    auto saved = co_await parts_.inventory.save_failures(label, std::move(*failures));
    if (!saved) co_return base::fail(std::move(saved.error()));
  }
  parts_.orders.read_failures_again(label);
  co_return base::Result<void>();
}

// What somebody waits for; ends by itself when nobody does any more.
struct Instructions::Batch {
  explicit Batch(base::Loop& loop) : done(loop) {}
  std::vector<NameOutcome> outcomes;
  std::size_t next = 0;     // that nobody works on yet
  std::size_t working = 0;  // tasks
  base::Event done;
};

base::Task<NameOutcomes> Instructions::put_down(std::vector<std::string> names, bool wait) {
  auto batch = std::make_shared<Batch>(parts_.loop);
  for (const auto& name : names) {
    const auto demanded = co_await demand(name);
    NameOutcome outcome;
    outcome.name = name;
    outcome.outcome = "due";
    if (!demanded) outcome = failure_of(name, demanded.error());
    batch->outcomes.push_back(std::move(outcome));
    if (demanded && !wait) parts_.schedule.set(name, parts_.now());
  }
  co_await parts_.changes.tell(names);
  if (!wait || names.empty()) co_return std::move(batch->outcomes);
  for (std::size_t i = 0; i < std::min(names.size(), kAtOnce); ++i) {
    ++batch->working;
    if (parts_.tasks.spawn(work_off(batch), "a demanded renewal")) continue;
    co_return base::fail(base::Code::kCancelled, "gatehouse is stopping");
  }
  (void)co_await batch->done.wait(base::Deadline::in(kLongestWait));
  co_return batch->outcomes;
}

base::Task<void> Instructions::work_off(std::shared_ptr<Batch> batch) {
  while (batch->next < batch->outcomes.size()) {
    NameOutcome& one = batch->outcomes[batch->next++];
    if (one.outcome == "failed") continue;
    const auto renewed = co_await parts_.renewals.renew_now(one.name);
    one.outcome = renewed ? "renewed" : "failed";
    if (!renewed) one.error = renewed.error().detail;
  }
  if (--batch->working == 0) batch->done.set();
}

}  // namespace gatehouse::certs
