#include "certs/told_once.h"

#include "base/log.h"
#include "certs/document.h"
#include "certs/inventory.h"
#include "certs/key_types.h"

namespace gatehouse::certs {

namespace {

std::string name_in(const tls::Certificate& certificate) {
  const auto& names = certificate.leaf().names;
  if (names.empty()) return "nameless";
  return certificate.key().is_ecdsa() ? names.front() : rsa_label(names.front());
}

// Which certificate it is: serial numbers of small CAs are small.
std::string identity_of(const tls::Certificate& certificate) {
  return certificate.leaf().serial + " " + std::to_string(seconds_of(certificate.leaf().not_after));
}

std::string key_for(const std::string& name) {
  std::string key = "told/" + key_segment(name);
  return storage::is_key(key) ? key : "told/other";
}

}  // namespace

bool ToldOnce::is_known(const tls::Certificate& certificate, int stage) const {
  const auto here = here_.find(name_in(certificate));
  return here != here_.end() && covers(here->second, identity_of(certificate), stage);
}

base::Task<ToldOnce::Told> ToldOnce::load(std::string key) {
  Told told;
  auto text = co_await storage_.load(std::move(key));
  if (!text) co_return told;
  auto document = parse_document(*text);
  if (!document) co_return told;
  told.certificate = text_in(*document, "certificate").value_or("");
  const auto stage = document->find("stage");
  if (stage != document->end() && stage->is_number_integer()) told.stage = stage->get<int>();
  co_return told;
}

base::Task<bool> ToldOnce::is_new(tls::CertificateRef certificate, int stage) {
  if (is_known(*certificate, stage)) co_return false;
  const std::string name = name_in(*certificate);
  Told told;
  told.certificate = identity_of(*certificate);
  told.stage = stage;
  here_.insert_or_assign(name, told);
  const std::string key = key_for(name);
  // Without it two might tell the same: better than nobody.
  const base::Deadline deadline = base::Deadline::in(kLeaseTime);
  auto lease = co_await storage_.lease(key, deadline);
  const Told before = co_await load(key);
  if (covers(before, told.certificate, stage)) co_return false;
  Json document = new_document();
  document["certificate"] = told.certificate;
  document["stage"] = stage;
  std::string text = text_of(document);
  const auto stored = co_await storage_.store(key, std::move(text));
  if (!stored) {
    base::log::warn("storage does not keep what was told of a certificate",
                    {{"name", name}, {"error", stored.error().detail}});
  }
  co_return true;
}

}  // namespace gatehouse::certs
