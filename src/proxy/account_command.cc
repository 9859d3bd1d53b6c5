#include "proxy/account_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "acme/account_update.h"
#include "acme/jws.h"
#include "base/log.h"
#include "certs/dns_persist.h"
#include "certs/issuer_factory.h"
#include "certs/issuer_id.h"
#include "certs/moment.h"
#include "proxy/commands.h"
#include "proxy/confirm.h"
#include "proxy/own_loop.h"

namespace gatehouse::proxy {

namespace {

using Json = nlohmann::json;

constexpr base::Duration kTime{120'000};  // for one account

enum class Verb : std::uint8_t { kShow, kRollOver, kDeactivate };

// One account of the configuration, and what came of it.
struct Account {
  std::string issuer;
  std::string url;
  std::string contact;
  std::string key_since;
  std::string key_thumbprint;
  std::string state;   // in words
  std::string record;  // for dns-persist-01, where that is wanted
  std::string error;
};

void describe(const certs::AccountRecord& record, Account& told) {
  told.url = record.account.url;
  told.contact = record.contact;
  if (record.key_since != base::WallTime()) told.key_since = certs::text_of(record.key_since);
  if (auto key = acme::jwk(record.account.key)) told.key_thumbprint = acme::thumbprint(*key);
}

// What stands at _validation-persist.NAME of a CA that has domain names of its own.
base::Task<void> tell_record(certs::AcmeConnection& ca, Account& told) {
  auto directory = co_await ca.client.directory(base::Deadline::in(kTime));
  if (!directory || directory->caa_identities.empty()) co_return;
  certs::PersistentRecord record;
  record.issuers = directory->caa_identities;
  record.account = told.url;
  record.wildcard = true;
  told.record = record.text();
}

base::Task<void> show(certs::AcmeConnection& ca, Account& told, bool persists) {
  const base::Deadline deadline = base::Deadline::in(kTime);
  auto stored = co_await ca.account.look(deadline);
  if (!stored) {
    told.error = stored.error().error.detail;
    co_return;
  }
  told.state = "none";
  if (!stored->record) co_return;
  const certs::AccountRecord& record = *stored->record;
  describe(record, told);
  told.state = "not registered yet";
  if (record.next_key) told.state = "a change of its key is under way";
  if (record.leaving) told.state = "its deactivation is under way";
  if (record.account.url.empty() || record.next_key || record.leaving) co_return;
  auto state = co_await acme::read_account(ca.client, record.account, deadline);
  told.state = state ? state->status : "not known";
  if (!state) told.error = state.error().error.detail;
  if (persists) co_await tell_record(ca, told);
}

base::Task<void> roll_over(certs::AcmeConnection& ca, Account& told) {
  auto account = co_await ca.account.change_key(base::Deadline::in(kTime));
  if (!account) {
    told.error = account.error().error.detail;
    co_return;
  }
  told.state = "has a new key";
  auto stored = co_await ca.account.look(base::Deadline::in(kTime));
  if (stored && stored->record) describe(*stored->record, told);
}

base::Task<void> deactivate(certs::AcmeConnection& ca, Account& told) {
  auto url = co_await ca.account.deactivate(base::Deadline::in(kTime));
  if (!url) {
    told.error = url.error().error.detail;
    co_return;
  }
  told.url = std::move(*url);
  told.state = "deactivated";
}

base::Task<Account> do_one(OwnLoop& own, certs::AcmeOptions options, Verb verb) {
  Account told;
  told.issuer = certs::issuer_id_of(options.directory);
  told.contact = options.email;
  const bool persists = std::ranges::find(options.challenges, acme::ChallengeType::kDnsPersist01) !=
                        options.challenges.end();
  const certs::AcmeConnection::Parts parts{own.loop(), own.blocking(), own.resolver(),
                                           own.storage()};
  auto ca = co_await certs::AcmeConnection::make(parts, std::move(options));
  if (!ca) {
    told.error = ca.error().detail;
    co_return told;
  }
  switch (verb) {
    case Verb::kShow: co_await show(**ca, told, persists); break;
    case Verb::kRollOver: co_await roll_over(**ca, told); break;
    case Verb::kDeactivate: co_await deactivate(**ca, told); break;
  }
  (*ca)->http.close_idle();
  co_return told;
}

// The accounts that the configuration has, or those at one issuer; each once, with the challenges
// of all issuers that share it.
std::vector<certs::AcmeOptions> accounts_of(const config::Config& config,
                                            const std::string& issuer) {
  std::vector<certs::AcmeOptions> accounts;
  std::map<std::pair<std::string, std::string>, std::size_t> seen;
  for (const config::AcmeIssuer* ca : certs::acme_issuers(config)) {
    if (!issuer.empty() && certs::issuer_id_of(ca->directory) != issuer) continue;
    auto options = certs::acme_options(*ca, config);
    const auto [place, is_new] = seen.try_emplace({ca->directory, ca->email}, accounts.size());
    if (!is_new) {
      auto& all = accounts[place->second].challenges;
      all.insert(all.end(), options.challenges.begin(), options.challenges.end());
      continue;
    }
    options.account_key_age = base::Duration(0);
    accounts.push_back(std::move(options));
  }
  return accounts;
}

std::string issuers_of(const config::Config& config) {
  std::string all;
  for (const certs::AcmeOptions& one : accounts_of(config, "")) {
    const std::string id = certs::issuer_id_of(one.directory);
    if (all.find(id) == std::string::npos) all += (all.empty() ? "" : ", ") + id;
  }
  return all;
}

Json json_of(const Account& told) {
  return Json{{"issuer", told.issuer},      {"account", told.url},
              {"contact", told.contact},    {"key_since", told.key_since},
              {"key", told.key_thumbprint}, {"state", told.state},
              {"error", told.error},        {"dns_persist", told.record}};
}

void print(const Account& told) {
  const auto line = [](const char* what, const std::string& value) {
    if (!value.empty()) std::cout << "  " << what << value << "\n";
  };
  std::cout << told.issuer << "\n";
  line("account:   ", told.url);
  line("contact:   ", told.contact);
  line("key:       ", told.key_thumbprint);
  line("key since: ", told.key_since);
  line("state:     ", told.state);
  line("record:    ", told.record.empty() ? "" : "TXT at _validation-persist.NAME: " + told.record);
  line("error:     ", told.error);
}

}  // namespace

AccountCommand::AccountCommand(CLI::App& app, std::string& config)
    : word_(app.add_subcommand("account", "our accounts at ACME CAs")) {
  word_->require_subcommand(1);
  const auto add = [&](const char* name, const char* what) {
    auto* command = word_->add_subcommand(name, what);
    command->add_option("-c,--config", config,
                        "configuration file, - for standard input; else $GATEHOUSE_CONFIG");
    command->add_option("--issuer", issuer_, "one CA, as `account show` names it");
    command->add_flag("--json", json_, "for programs");
    return command;
  };
  show_ = add("show", "what storage and the CA have of each account");
  rollover_ = add("rollover", "give each account a new key");
  deactivate_ = add("deactivate", "end an account for good; the next order makes a new one");
  deactivate_->add_flag("-y,--yes", yes_, "do not ask");
}

bool AccountCommand::is_chosen() const { return word_->parsed(); }

int AccountCommand::run(const config::Config& config) const {
  Verb verb = Verb::kShow;
  if (rollover_->parsed()) verb = Verb::kRollOver;
  if (deactivate_->parsed()) verb = Verb::kDeactivate;
  const auto accounts = accounts_of(config, issuer_);
  if (accounts.empty()) {
    const std::string all = issuers_of(config);
    return say_error("the configuration has no ACME issuer" +
                         (all.empty() ? all : " " + issuer_ + "; it has: " + all),
                     kWrong);
  }
  if (verb == Verb::kDeactivate && issuer_.empty() && accounts.size() > 1) {
    return say_error("say which account: --issuer with one of " + issuers_of(config), kWrong);
  }
  if (verb == Verb::kDeactivate && !yes_) {
    if (!can_ask()) return say_error("deactivating cannot be undone: say --yes", kWrong);
    if (!confirmed("End the account at " + accounts.front().directory + " for good")) {
      return say_error("nothing is deactivated");
    }
  }
  base::log::configure(base::log::Level::kWarn, base::log::Format::kText);
  OwnLoop own(config);
  if (auto opened = own.open(); !opened) return say_error(opened.error().detail);
  std::vector<Account> all;
  for (const certs::AcmeOptions& one : accounts) all.push_back(own.run(do_one(own, one, verb)));
  base::log::flush_and_stop();
  Json list = Json::array();
  for (const Account& told : all) {
    if (json_) list.push_back(json_of(told));
    if (!json_) print(told);
  }
  if (json_) std::cout << list.dump(1, ' ', false, Json::error_handler_t::replace) << "\n";
  const bool failed = std::ranges::any_of(all, [](const Account& t) { return !t.error.empty(); });
  return failed ? 1 : 0;
}

}  // namespace gatehouse::proxy
