#include "proxy/revoke_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/log.h"
#include "certs/listed.h"
#include "certs/moment.h"
#include "certs/revocation_events.h"
#include "certs/revoke.h"
#include "proxy/admin_client.h"
#include "proxy/commands.h"
#include "proxy/confirm.h"
#include "proxy/given_name.h"
#include "proxy/own_loop.h"

namespace gatehouse::proxy {

namespace {

using Json = nlohmann::json;
using certs::RevokeOutcome;

constexpr std::string_view kCompromise = "keyCompromise";

// Whether a person says yes to what would be revoked.
bool agreed(const std::vector<certs::StoredCertificate>& certificates, const std::string& reason) {
  for (const certs::StoredCertificate& one : certificates) {
    const auto& leaf = one.record.certificate->leaf();
    std::cerr << certs::listed(one.names()) << ": serial " << leaf.serial << " by "
              << one.record.issuer << ", valid until " << certs::text_of(leaf.not_after)
              << " UTC\n";
  }
  const bool compromised = reason == kCompromise;
  return confirmed("Revoke for good (" + reason + ")" +
                   (compromised ? ", and whatever else has its key" : ""));
}

base::Task<base::Result<std::vector<certs::StoredCertificate>>> all_of(OwnLoop& own,
                                                                       std::string name,
                                                                       std::string reason) {
  certs::Revocable revocable(own.blocking(), own.storage());
  auto found = co_await revocable.of_name(std::move(name));
  if (!found || found->empty()) co_return found;
  co_return co_await revocable.everywhere(std::move(*found), reason == kCompromise);
}

// What a server makes of it, in words.
std::string tell_server(const config::Config& config, const std::vector<RevokeOutcome>& outcomes) {
  std::vector<std::string> names;
  for (const RevokeOutcome& one : outcomes) {
    if (one.known) names.insert(names.end(), one.names.begin(), one.names.end());
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.empty()) return "";
  const auto told = tell_of_changes(config, names);
  if (!told) return "a running gatehouse could not be told: " + told.error().detail;
  if (*told == Told::kYes) return "the running gatehouse was told";
  return "no running gatehouse was told; one on this storage sees it within a minute";
}

Json json_of(const RevokeOutcome& one) {
  return Json{{"name", one.name},     {"names", one.names},     {"issuer", one.issuer},
              {"serial", one.serial}, {"withdrawn", one.known}, {"revoked", one.told},
              {"error", one.error}};
}

void print(const RevokeOutcome& one) {
  std::cout << certs::listed(one.names) << " (" << one.issuer << ", serial " << one.serial << "): ";
  if (one.told) std::cout << "revoked";
  if (!one.told && one.known) std::cout << "not served any more, but not known to be revoked";
  if (!one.told && !one.known) std::cout << "not revoked";
  std::cout << (one.error.empty() ? "" : ": ") << one.error << "\n";
}

std::vector<std::string> reasons() {
  std::vector<std::string> names;
  for (const auto& [name, reason] : acme::revocation_reasons()) names.emplace_back(name);
  return names;
}

}  // namespace

RevokeCommand::RevokeCommand(CLI::App& certificates, std::string& config)
    : word_(certificates.add_subcommand("revoke", "revoke a certificate, and order another one")) {
  word_->add_option("NAME", name_, "the name that it was ordered for")
      ->required()
      ->transform(given_name);
  word_->add_option("-c,--config", config,
                    "configuration file, - for standard input; else $GATEHOUSE_CONFIG");
  word_->add_option("--reason", reason_, "why (RFC 5280 5.3.1)")->check(CLI::IsMember(reasons()));
  word_->add_flag("--by-certificate-key", by_certificate_key_,
                  "sign with the certificate's own key rather than the account's");
  word_->add_flag("--no-replace", no_replace_, "order no other certificate");
  word_->add_flag("-y,--yes", yes_, "do not ask");
  word_->add_flag("--json", json_, "for programs");
}

bool RevokeCommand::is_chosen() const { return word_->parsed(); }

int RevokeCommand::run(const config::Config& config) const {
  base::log::configure(base::log::Level::kWarn, base::log::Format::kText);
  OwnLoop own(config);
  if (auto opened = own.open(); !opened) return say_error(opened.error().detail);
  if (!yes_) {
    if (!can_ask()) return say_error("revoking cannot be undone: say --yes", kWrong);
    const auto found = own.run(all_of(own, name_, reason_));
    if (!found) return say_error(found.error().detail);
    if (!found->empty() && !agreed(*found, reason_)) return say_error("nothing is revoked");
  }
  certs::RevokeRequest request;
  request.name = name_;
  request.reason = *acme::revocation_reason(reason_);
  request.by_certificate_key = by_certificate_key_;
  request.replace = !no_replace_;
  const acme::RevocationReason reason = request.reason;
  certs::Revoke revoke(
      certs::Revoke::Parts{own.loop(), own.blocking(), own.resolver(), own.storage(), config},
      std::move(request));
  const auto outcomes = own.run(revoke.run());
  base::log::flush_and_stop();
  if (!outcomes) return say_error(outcomes.error().detail);
  const std::string server = tell_server(config, *outcomes);
  if (json_) {
    Json list = Json::array();
    for (const RevokeOutcome& one : *outcomes) list.push_back(json_of(one));
    const Json all = {{"certificates", list}, {"server", server}};
    std::cout << all.dump(1, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    for (const RevokeOutcome& one : *outcomes) print(one);
    if (!server.empty()) std::cout << server << "\n";
  }
  std::cout << std::flush;
  const certs::Hooks::Parts parts{own.loop(), own.blocking(), own.resolver()};
  (void)own.run(
      certs::tell_of_revocations(parts, config, *outcomes, reason));  // what fails is logged
  return std::ranges::all_of(*outcomes, &RevokeOutcome::told) ? 0 : 1;
}

}  // namespace gatehouse::proxy
