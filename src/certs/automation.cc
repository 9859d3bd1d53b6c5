#include "certs/automation.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/gate.h"
#include "base/log.h"
#include "certs/change_watch.h"
#include "certs/expired_records.h"
#include "certs/instructions.h"
#include "certs/issuer_factory.h"
#include "certs/leftovers.h"
#include "certs/ocsp_staples.h"
#include "certs/on_demand.h"
#include "certs/own_certificates.h"
#include "certs/renewals.h"
#include "certs/startup.h"
#include "http/client.h"
#include "tls/context.h"

namespace gatehouse::certs {

namespace {

std::size_t orders_at_once(std::uint64_t limit) {
  return limit == 0 ? std::numeric_limits<std::size_t>::max() : limit;
}

base::Duration pause_or(base::Duration wanted) {
  return wanted.count() > 0 ? wanted : ChangeWatch::kPause;
}

RenewalPolicy renewal_policy(const config::Renewal& renewal) {
  RenewalPolicy policy;
  policy.ask_issuers = renewal.ari;
  policy.left_percent = renewal.left_percent;
  policy.replace_former = renewal.replace_former;
  policy.reuse_key = renewal.reuse_key;
  return policy;
}

Permission::Policy policy_of(const config::OnDemand& on_demand) {
  Permission::Policy policy;
  policy.allow = on_demand.allow;
  policy.ask = on_demand.ask;
  policy.timeout = Automation::kAskTimeout;
  if (on_demand.timeout.count() > 0) policy.timeout = std::min(policy.timeout, on_demand.timeout);
  return policy;
}

std::unique_ptr<tls::ClientContext> ask_trust(const std::string& ask) {
  tls::ClientOptions options;
  options.system_roots = ask.starts_with("https:");  // a plain one works on a system without any
  auto made = tls::ClientContext::make(std::move(options));
  if (!made) throw std::runtime_error("trust roots for ask: " + made.error().detail);
  return std::move(*made);
}

IssuerParts issuer_parts(const Automation::Parts& parts, base::Gate& tasks) {
  return IssuerParts{parts.loop,    parts.blocking,   parts.resolver,
                     parts.storage, parts.challenges, tasks};
}

}  // namespace

// In this order: what stands below works with what stands above.
struct Automation::State {
  State(Parts p, std::shared_ptr<const config::Config> shared, const IssuerFactory& make,
        WallClock clock, base::Duration look_every)
      : parts(p),
        keeps_config(std::move(shared)),
        config(*keeps_config),
        now(std::move(clock)),
        over(p.loop),
        tasks(p.loop),
        trust(ask_trust(config.tls.on_demand.ask)),
        client(p.loop, p.resolver, *trust, user_agent()),
        issuers(config, make ? make : issuer_factory(issuer_parts(p, tasks), config)),
        rules(compile_rules(config, issuers)),
        permission(p.loop, client, policy_of(config.tls.on_demand)),
        inventory(p.blocking, p.storage),
        schedule(p.loop, now,
                 [this](std::string_view label) {
                   return urgency_of(label, parts.certificates, now());
                 }),
        changes(ChangeWatch::Parts{p.loop, p.storage, schedule, pause_or(look_every)}),
        hooks(Hooks::Parts{p.loop, p.blocking, p.resolver}, config.hooks),
        told(p.storage),
        expiry(ExpiryWatch::Parts{p.loop, rules, issuers, permission, inventory, p.certificates,
                                  schedule, told, hooks, now}),
        events(CertificateEvents::Parts{tasks, rules, told, expiry, hooks, now}),
        staples(OcspStaples::Parts{p.loop, p.blocking, p.resolver, *trust, p.storage, inventory,
                                   schedule, now, config.tls.ocsp_stapling, &events, &rules}),
        polls(RenewalPolls::Parts{p.loop, tasks, rules, issuers, inventory, schedule, now,
                                  renewal_policy(config.tls.renewal), look_at()}),
        orders(Orders::Parts{p.loop, p.blocking, p.storage, tasks, inventory, p.certificates,
                             schedule, polls, now, renewal_policy(config.tls.renewal),
                             KeyTypes(config.tls.key_type), orders_at_once(config.limits.orders),
                             p.abuse, &events, &staples, &changes}),
        on_demand(OnDemand::Parts{p.loop, tasks, rules, issuers, permission, orders, schedule,
                                  p.certificates, now, config.limits.new_names_per_minute,
                                  p.abuse}),
        renewals(Renewals::Parts{p.loop, tasks, rules, issuers, permission, orders, schedule,
                                 p.certificates, now}),
        own(OwnCertificates::Parts{p.loop, p.blocking, p.certificates, now, &p.storage, &events,
                                   &staples},
            config),
        overview(Overview::Parts{rules, issuers, inventory, orders, schedule, p.certificates, now,
                                 renewal_policy(config.tls.renewal), started}),
        instructions(Instructions::Parts{p.loop, tasks, rules, issuers, inventory, orders, renewals,
                                         schedule, p.certificates, overview, now, changes}),
        expired(ExpiredRecords::Parts{p.loop, rules, issuers, inventory, orders.key_types(),
                                      schedule, now}) {}

  std::function<base::Task<void>(std::string)> look_at() {
    return [this](std::string label) { return instructions.look(std::move(label)); };
  }

  Parts parts;
  std::shared_ptr<const config::Config> keeps_config;
  const config::Config& config;
  WallClock now;
  bool started = false;
  bool stopping = false;
  base::Event over;  // set with `stopping`
  base::Gate tasks;
  std::unique_ptr<tls::ClientContext> trust;
  http::Client client;
  Issuers issuers;
  HostRules rules;
  Permission permission;
  Inventory inventory;
  Schedule schedule;
  ChangeWatch changes;
  Hooks hooks;
  ToldOnce told;
  ExpiryWatch expiry;
  CertificateEvents events;
  OcspStaples staples;
  RenewalPolls polls;
  Orders orders;
  OnDemand on_demand;
  Renewals renewals;
  OwnCertificates own;
  Overview overview;
  Instructions instructions;
  ExpiredRecords expired;
};

namespace {

base::Task<void> start_up(StartupParts parts, ChangeWatch& changes, ExpiredRecords& expired) {
  co_await changes.begin();
  co_await load_managed(parts);
  co_await scan_storage(parts);
  co_await expired.run();
}

// States whose tasks were still suspended when their owner went: the loop destroys those frames
// later, and they look into the state.
template <class State>
void keep_for_ever(std::shared_ptr<State> state) {
  static auto* const kept = new std::vector<std::shared_ptr<void>>;
  kept->push_back(std::move(state));
}

}  // namespace

Automation::Automation(Parts parts, std::shared_ptr<const config::Config> config)
    : Automation(parts, std::move(config), Replacements()) {}

Automation::Automation(Parts parts, std::shared_ptr<const config::Config> config,
                       Replacements replacements) {
  WallClock now = replacements.now ? std::move(replacements.now) : WallClock(&base::wall_now);
  state_ = std::make_shared<State>(parts, std::move(config), replacements.issuer, std::move(now),
                                   replacements.look_every);
  if (state_->orders.key_types().rsa_first()) parts.certificates.prefer_rsa();
}

Automation::~Automation() {
  const std::size_t left = state_->tasks.count() + state_->hooks.tasks();
  if (left != 0 || state_->staples.busy()) keep_for_ever(std::move(state_));
}

base::Result<> Automation::load_files() {
  auto loaded = load_certificate_files(state_->config, state_->parts.certificates);
  auto checked = check_trust_files(state_->config);
  if (!loaded && !checked) loaded.error().detail += "\n" + checked.error().detail;
  return loaded ? checked : loaded;
}

base::Task<base::Result<void>> Automation::start() {
  State& s = *state_;
  s.started = true;
  s.tasks.spawn(s.renewals.run(), "renewals");
  s.tasks.spawn(s.polls.run(), "renewal information");
  s.tasks.spawn(s.expiry.run(), "certificates that near their end");
  s.tasks.spawn(s.own.run(), "certificates from files");
  s.tasks.spawn(s.changes.run(s.instructions), "what others change in storage");
  s.staples.start();
  const StartupParts parts{s.rules,     s.issuers,
                           s.inventory, s.orders,
                           s.schedule,  s.parts.certificates,
                           s.now,       s.stopping,
                           s.polls,     renewal_policy(s.config.tls.renewal),
                           s.events};
  s.tasks.spawn(start_up(parts, s.changes, s.expired), "loading certificates");
  s.tasks.spawn(look_after_leftovers(s.issuers, s.parts.storage, s.over), "removing leftovers");
  co_return base::Result<void>();
}

base::Task<void> Automation::stop(base::Deadline deadline) {
  State& s = *state_;
  s.stopping = true;
  s.over.set();
  s.on_demand.stop();
  s.schedule.close();
  s.polls.stop();
  s.expiry.stop();
  s.hooks.hurry();
  s.own.stop();
  s.changes.stop();
  s.expired.stop();
  s.orders.stop();
  const base::TimePoint soonest = base::Clock::now() + kLastWrites;
  const base::Deadline end(std::max(deadline.at(), soonest));
  const auto ended = co_await s.tasks.close(end);
  if (!ended) {
    base::log::warn("orders are still under way; they are repeated after a restart",
                    {{"tasks", s.tasks.count()}});
  }
  co_await s.hooks.close(end.min(base::Deadline::in(kLastWords)));
  // A responder that does not answer is not waited for.
  (void)co_await s.staples.stop(base::Deadline::in(kLastWrites));
  s.client.close_idle();
}

void Automation::request(std::string name,
                         std::function<void(base::Result<tls::CertificateRef>)> answer,
                         tls::KeyKinds keys) {
  auto ask = [state = state_, name = std::move(name), answer = std::move(answer), keys]() mutable {
    state->on_demand.request(std::move(name), std::move(answer), keys);
  };
  state_->parts.loop.post(std::move(ask));
}

bool Automation::may_request(std::string_view name) const {
  const HostRules::Match site = state_->rules.find(name);
  if (site.policy == nullptr) return false;
  return site.policy->source == Source::kManaged || site.policy->source == Source::kOnDemand;
}

base::Task<base::Result<StatusPage>> Automation::list(std::string after, std::size_t most) {
  return state_->overview.page(std::move(after), most);
}

base::Task<base::Result<CertificateStatus>> Automation::show(std::string name) {
  return state_->overview.of(std::move(name));
}

base::Task<NameOutcomes> Automation::changed(std::vector<std::string> names) {
  return state_->instructions.changed(std::move(names));
}

base::Task<NameOutcomes> Automation::renew(std::vector<std::string> names, bool wait) {
  return state_->instructions.renew(std::move(names), wait);
}

base::Task<NameOutcomes> Automation::renew_all(bool wait) {
  return state_->instructions.renew_all(wait);
}

void Automation::recheck() {
  state_->schedule.recheck();
  state_->polls.recheck();
  state_->expiry.recheck();
  state_->staples.recheck();
  state_->own.recheck();
  state_->changes.recheck();
  state_->expired.recheck();
}

}  // namespace gatehouse::certs
