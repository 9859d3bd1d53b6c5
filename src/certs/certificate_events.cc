#include "certs/certificate_events.h"

#include <array>
#include <utility>

#include "base/error.h"

namespace gatehouse::certs {

namespace {

using config::HookEvent;

// Those of expiry_stage().
constexpr std::array<const char*, 5> kStages{"", "30d", "7d", "1d", "expired"};
constexpr int kRevokedStage = 100;  // behind all others

}  // namespace

Source CertificateEvents::source_of(const std::string& name) const {
  const HostRules::Match site = parts_.rules.find(name);
  return site.policy == nullptr ? Source::kNone : site.policy->source;
}

void CertificateEvents::obtained(const Record& record, const std::optional<Record>& before) {
  CertificateEvent event(before ? HookEvent::kRenewed : HookEvent::kObtained, parts_.now());
  event.names = record.names;
  event.source = source_of(record.names.front());
  event.issuer = record.issuer;
  event.certificate = record.certificate;
  if (before) event.replaces = before->certificate->leaf().serial;
  parts_.hooks.tell(std::move(event));
}

void CertificateEvents::failed(std::vector<std::string> names, const std::optional<Record>& before,
                               const Failures& failures, const base::Error& error,
                               const IssueError& why) {
  CertificateEvent event(HookEvent::kFailed, parts_.now());
  event.source = source_of(names.front());
  event.names = std::move(names);
  event.issuer = failures.issuers;
  if (before) event.certificate = before->certificate;
  event.failures = failures.count;
  event.error = error.detail;
  event.error_kind = base::name(error.code);
  if (why.error.detail == error.detail) {
    if (!why.problem.empty()) event.error_kind = why.problem;
    event.advice = why.advice;
  }
  event.next_attempt = failures.next_attempt;
  parts_.hooks.tell(std::move(event));
}

void CertificateEvents::expiring(const tls::CertificateRef& certificate, int stage) {
  if (stage == 0 || !parts_.hooks.wants(HookEvent::kExpiring)) return;
  if (parts_.told.is_known(*certificate, stage)) return;
  CertificateEvent event(HookEvent::kExpiring, parts_.now());
  event.source = Source::kFiles;
  event.certificate = certificate;
  event.stage = kStages.at(static_cast<std::size_t>(stage));
  parts_.tasks.spawn(tell_once(std::move(event), stage), "telling of a certificate");
}

void CertificateEvents::found_revoked(const tls::CertificateRef& certificate, std::string issuer,
                                      std::string reason) {
  if (!parts_.hooks.wants(HookEvent::kRevoked)) return;
  if (parts_.told.is_known(*certificate, kRevokedStage)) return;
  CertificateEvent event(HookEvent::kRevoked, parts_.now());
  event.source = issuer.empty() ? Source::kFiles : Source::kNone;
  event.issuer = std::move(issuer);
  event.certificate = certificate;
  event.reason = std::move(reason);
  parts_.tasks.spawn(tell_once(std::move(event), kRevokedStage), "telling of a certificate");
}

base::Task<void> CertificateEvents::tell_once(CertificateEvent event, int stage) {
  event.names = event.certificate->leaf().names;
  if (event.names.empty()) event.names.emplace_back();
  if (event.source == Source::kNone) event.source = source_of(event.names.front());
  const bool first = co_await parts_.told.is_new(event.certificate, stage);
  if (first) parts_.hooks.tell(std::move(event));
}

}  // namespace gatehouse::certs
