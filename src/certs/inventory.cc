#include "certs/inventory.h"

#include <algorithm>

#include "base/endpoint.h"
#include "base/log.h"
#include "certs/document.h"
#include "certs/key_types.h"

namespace gatehouse::certs {

namespace {

constexpr std::string_view kCertificates = "certificates";
constexpr std::string_view kFailures = "failures";

std::string certificate_key(std::string_view issuer, std::string_view name) {
  return std::string(kCertificates) + '/' + std::string(issuer) + '/' + key_segment(name);
}

std::string plan_key(std::string_view issuer, std::string_view name) {
  return "renewals/" + std::string(issuer) + '/' + key_segment(name);
}

std::string import_key(std::string_view name) { return "imports/" + key_segment(name); }

// Which record an import wrote.
struct Imported {
  std::string issuer;
  std::string serial;
};

std::string to_text(const Imported& imported) {
  Json object = new_document();
  object["issuer"] = imported.issuer;
  object["serial"] = imported.serial;
  return text_of(object);
}

base::Result<Imported> parse_imported(std::string_view text) {
  auto object = parse_document(text);
  if (!object) return base::fail(std::move(object.error()));
  auto issuer = text_in(*object, "issuer");
  auto serial = text_in(*object, "serial");
  if (!issuer) return base::fail(std::move(issuer.error()));
  if (!serial) return base::fail(std::move(serial.error()));
  return Imported{std::move(*issuer), std::move(*serial)};
}

std::string failures_key(std::string_view name) {
  return std::string(kFailures) + '/' + key_segment(name);
}

}  // namespace

std::string key_segment(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, ':', '_');
  return out;
}

std::string name_of_segment(std::string_view segment) {
  if (is_rsa_label(segment)) return rsa_label(name_of_segment(name_of_label(segment)));
  std::string address(segment);
  std::ranges::replace(address, '_', ':');
  return base::is_ip_literal(address) ? address : std::string(segment);
}

CertificateKey parse_certificate_key(std::string_view key) {
  if (!key.starts_with(kCertificates) || key.size() <= kCertificates.size()) return {};
  key.remove_prefix(kCertificates.size());
  if (key.front() != '/') return {};
  key.remove_prefix(1);
  const std::size_t slash = key.find('/');
  if (slash == std::string_view::npos || key.find('/', slash + 1) != std::string_view::npos) {
    return {};
  }
  return {key.substr(0, slash), key.substr(slash + 1)};
}

base::Task<void> Inventory::report_and_set_aside(std::string key, std::string why) {
  const auto where = co_await storage_.set_aside(key);
  base::log::error("a stored record is damaged; it is kept aside and will be replaced",
                   {{"key", key},
                    {"error", why},
                    {"kept", where ? *where : "not kept: " + where.error().detail}});
}

base::Task<base::Result<Record>> Inventory::load(std::string issuer, std::string name) {
  std::string key = certificate_key(issuer, name);
  auto text = co_await storage_.load(key);
  if (!text) {
    if (text.error().code == base::Code::kDamaged) {
      co_await report_and_set_aside(key, text.error().detail);
    }
    co_return base::fail(std::move(text.error()));
  }
  auto parse = [text = std::move(*text)] { return parse_record(text); };
  auto record = co_await blocking_.run(std::move(parse));
  if (record && std::ranges::find(record->names, name_of_label(name)) == record->names.end()) {
    record = base::fail(base::Code::kDamaged, "it belongs to another name");
  }
  if (record) record->rsa_of_two = is_rsa_label(name);
  if (!record && record.error().code == base::Code::kDamaged) {
    co_await report_and_set_aside(key, record.error().detail);
  }
  if (!record || record->revoked) co_return record;
  auto compromised = co_await compromised_.contains(record->certificate->key());
  if (!compromised) co_return base::fail(std::move(compromised.error()));
  if (*compromised) {
    Revocation known;
    known.reason = acme::RevocationReason::kKeyCompromise;
    record->revoked = known;
  }
  co_return record;
}

base::Task<base::Result<void>> Inventory::save(Record record) {
  const std::string text = to_text(record);
  for (const std::string& name : record.names) {
    std::string key = certificate_key(record.issuer, record.label_of(name));
    auto stored = co_await storage_.store(std::move(key), text);
    if (!stored) co_return stored;
  }
  co_return base::Result<void>();
}

base::Task<base::Result<void>> Inventory::save_under(std::string label, Record record) {
  std::string key = certificate_key(record.issuer, label);
  std::string text = to_text(record);
  co_return co_await storage_.store(std::move(key), std::move(text));
}

base::Task<base::Result<void>> Inventory::save_newer(Record record) {
  const auto there = co_await load(record.issuer, record.label());
  const auto until = record.not_after();
  if (there && !there->revoked && there->not_after() >= until) {
    co_return base::Result<void>();
  }
  co_return co_await save(std::move(record));
}

base::Task<base::Result<void>> Inventory::save_imported(Record record) {
  Imported imported{record.issuer, record.certificate->leaf().serial};
  std::string key = import_key(record.label());
  auto saved = co_await save(std::move(record));
  if (!saved) co_return saved;
  std::string text = to_text(imported);
  co_return co_await storage_.store(std::move(key), std::move(text));
}

base::Task<base::Result<Record>> Inventory::load_imported(std::string name) {
  std::string key = import_key(name);
  const auto text = co_await storage_.load(key);
  base::Result<Imported> imported = text ? parse_imported(*text) : base::fail(text.error());
  if (!imported && imported.error().code == base::Code::kDamaged) {
    co_await report_and_set_aside(std::move(key), imported.error().detail);
  }
  if (!imported) co_return base::fail(std::move(imported.error()));
  auto record = co_await load(imported->issuer, name);
  if (record && record->certificate->leaf().serial != imported->serial) {
    record = base::fail(base::Code::kNotFound, base::Side::kStorage,
                        "the certificate that was imported for " + name + " has been replaced");
  }
  co_return record;
}

base::Task<base::Result<void>> Inventory::forget_imported(std::string name) {
  std::string key = import_key(name);
  co_return co_await storage_.remove(std::move(key));
}

base::Task<std::optional<RenewalPlan>> Inventory::load_plan(std::string issuer, std::string name) {
  std::string key = plan_key(issuer, name);
  const auto text = co_await storage_.load(key);
  if (!text && text.error().code != base::Code::kDamaged) co_return std::nullopt;
  base::Result<RenewalPlan> plan = text ? parse_renewal_plan(*text) : base::fail(text.error());
  if (plan) co_return std::move(*plan);
  co_await report_and_set_aside(std::move(key), plan.error().detail);
  co_return std::nullopt;
}

base::Task<base::Result<void>> Inventory::save_plan(std::string issuer, std::string name,
                                                    RenewalPlan plan) {
  std::string key = plan_key(issuer, name);
  std::string text = to_text(plan);
  co_return co_await storage_.store(std::move(key), std::move(text));
}

base::Task<base::Result<Failures>> Inventory::load_failures(std::string name) {
  std::string key = failures_key(name);
  const auto text = co_await storage_.load(key);
  if (!text && text.error().code == base::Code::kNotFound) co_return Failures();
  base::Result<Failures> failures = text ? parse_failures(*text) : base::fail(text.error());
  if (!failures && failures.error().code == base::Code::kDamaged) {
    co_await report_and_set_aside(key, failures.error().detail);
    co_return Failures();
  }
  co_return failures;
}

base::Task<base::Result<void>> Inventory::save_failures(std::string name, Failures failures) {
  std::string key = failures_key(name);
  std::string text = to_text(failures);
  co_return co_await storage_.store(std::move(key), std::move(text));
}

base::Task<base::Result<void>> Inventory::forget_failures(std::string name) {
  std::string key = failures_key(name);
  co_return co_await storage_.remove(std::move(key));
}

base::Task<base::Result<void>> Inventory::forget(std::string issuer, std::string label) {
  const auto imported = co_await load_imported(label);
  if (imported && imported->issuer == issuer) {
    auto forgotten = co_await forget_imported(label);
    if (!forgotten) co_return forgotten;
  }
  std::string plan = plan_key(issuer, label);
  auto removed = co_await storage_.remove(std::move(plan));
  if (!removed) co_return removed;
  std::string key = certificate_key(issuer, label);
  co_return co_await storage_.remove(std::move(key));
}

base::Task<base::Result<storage::Lease>> Inventory::lease(std::string name,
                                                          base::Deadline deadline) {
  std::string key = std::string(kCertificates) + '/' + key_segment(name);
  co_return co_await storage_.lease(std::move(key), deadline);
}

base::Task<base::Result<std::vector<std::string>>> Inventory::list_issuers() {
  std::string prefix(kCertificates);
  co_return co_await storage_.segments(std::move(prefix));
}

storage::FolderWalk Inventory::certificates(const std::string& issuer) {
  return {storage_, std::string(kCertificates) + '/' + issuer};
}

storage::FolderWalk Inventory::orders(const std::string& issuer) {
  return {storage_, "orders/" + issuer};
}

storage::FolderWalk Inventory::failures() { return {storage_, std::string(kFailures)}; }

base::Task<base::Result<std::vector<std::string>>> Inventory::list_order_issuers() {
  std::string prefix = "orders";
  co_return co_await storage_.segments(std::move(prefix));
}

base::Task<base::Result<void>> Inventory::forget_order(std::string key) {
  co_return co_await storage_.remove(std::move(key));
}

}  // namespace gatehouse::certs
