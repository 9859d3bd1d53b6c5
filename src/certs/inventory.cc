#include "certs/inventory.h"

#include <algorithm>

#include "base/log.h"

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

std::string failures_key(std::string_view name) {
  return std::string(kFailures) + '/' + key_segment(name);
}

}  // namespace

std::string key_segment(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, ':', '_');
  return out;
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
  if (record && std::ranges::find(record->names, name) == record->names.end()) {
    record = base::fail(base::Code::kDamaged, "it belongs to another name");
  }
  if (!record && record.error().code == base::Code::kDamaged) {
    co_await report_and_set_aside(key, record.error().detail);
  }
  co_return record;
}

base::Task<base::Result<void>> Inventory::save(Record record) {
  const std::string text = to_text(record);
  for (const std::string& name : record.names) {
    std::string key = certificate_key(record.issuer, name);
    auto stored = co_await storage_.store(std::move(key), text);
    if (!stored) co_return stored;
  }
  co_return base::Result<void>();
}

base::Task<base::Result<void>> Inventory::save_newer(Record record) {
  const auto there = co_await load(record.issuer, record.names.front());
  if (there && there->certificate->leaf().not_after >= record.certificate->leaf().not_after) {
    co_return base::Result<void>();
  }
  co_return co_await save(std::move(record));
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

base::Task<base::Result<storage::Lease>> Inventory::lease(std::string name,
                                                          base::Deadline deadline) {
  std::string key = std::string(kCertificates) + '/' + key_segment(name);
  co_return co_await storage_.lease(std::move(key), deadline);
}

base::Task<base::Result<std::vector<std::string>>> Inventory::list_certificates(std::string issuer,
                                                                                std::string cursor,
                                                                                std::size_t most) {
  std::string prefix = std::string(kCertificates) + '/' + issuer;
  co_return co_await storage_.list(std::move(prefix), std::move(cursor), most);
}

base::Task<base::Result<std::vector<std::string>>> Inventory::list_orders(std::string issuer,
                                                                          std::string cursor,
                                                                          std::size_t most) {
  std::string prefix = "orders/" + issuer;
  co_return co_await storage_.list(std::move(prefix), std::move(cursor), most);
}

base::Task<base::Result<std::vector<std::string>>> Inventory::list_failures(std::string cursor,
                                                                            std::size_t most) {
  std::string prefix(kFailures);
  co_return co_await storage_.list(std::move(prefix), std::move(cursor), most);
}

}  // namespace gatehouse::certs
