#include "certs/record.h"

#include <algorithm>

#include "certs/document.h"
#include "certs/key_types.h"
#include "certs/pace.h"

namespace gatehouse::certs {

namespace {

Json to_json(const Revocation& revoked) {
  return Json{{"reason", acme::name(revoked.reason)},
              {"at", seconds_of(revoked.at)},
              {"told", revoked.told},
              {"replace", revoked.replace}};
}

// Whatever it says: what is there was revoked.
Revocation parse_revocation(const Json& object) {
  Revocation revoked;
  const auto flag = [&](const char* key, bool otherwise) {
    const auto found = object.find(key);
    return found != object.end() && found->is_boolean() ? found->get<bool>() : otherwise;
  };
  if (auto reason = text_in(object, "reason")) {
    revoked.reason = acme::revocation_reason(*reason).value_or(revoked.reason);
  }
  if (auto at = time_in(object, "at")) revoked.at = *at;
  revoked.told = flag("told", false);
  revoked.replace = flag("replace", true);
  return revoked;
}

}  // namespace

std::string Record::label_of(std::string_view name) const {
  return rsa_of_two ? rsa_label(name) : std::string(name);
}

RenewalDates Record::dates() const {
  RenewalDates dates;
  dates.name = names.empty() ? std::string_view() : std::string_view(names.front());
  dates.not_before = certificate->leaf().not_before;
  dates.not_after = not_after();
  dates.obtained = obtained;
  return dates;
}

base::WallTime Record::due(const RenewalPolicy& policy) const {
  const bool known = plan && plan->serial == certificate->leaf().serial;
  if (known && plan->demanded) return *plan->demanded;
  const bool planned = policy.ask_issuers && known;
  return planned ? due_by_plan(dates(), *plan) : due_by_life(dates(), policy);
}

base::WallTime Record::wait_for_next(base::WallTime now, bool of_two) const {
  const CaLimits* limits = limits_of(issuer);
  if (limits == nullptr || limits->same_names.at_once > kEarlier) return now;
  std::vector<base::WallTime> all = earlier;
  all.push_back(obtained);
  const auto [at_once, each] = limits->same_names;
  const std::size_t most = of_two ? at_once / 2 : at_once;
  if (all.size() < most) return now;
  const auto first = all[all.size() - most];
  return std::max(now, first + each * at_once);
}

void Record::follow(const Record& before) {
  earlier = before.earlier;
  earlier.push_back(before.obtained);
  if (earlier.size() > kEarlier) earlier.erase(earlier.begin());
}

std::string to_text(const Record& record) {
  Json object = new_document();
  object["issuer"] = record.issuer;
  object["names"] = record.names;
  object["obtained"] = seconds_of(record.obtained);
  object["not_after"] = seconds_of(record.not_after());
  object["serial"] = record.certificate->leaf().serial;
  if (!record.ca.empty()) object["ca"] = record.ca;
  if (!record.account.empty()) object["account"] = record.account;
  if (record.revoked) object["revoked"] = to_json(*record.revoked);
  for (const base::WallTime at : record.earlier) object["earlier"].push_back(seconds_of(at));
  object["chain"] = record.certificate->chain_pem();
  object["key"] = record.certificate->key().pem();
  return text_of(object);
}

base::Result<Record> parse_record(std::string_view text) {
  auto object = parse_document(text);
  if (!object) return base::fail(object.error());
  Record record;
  auto issuer = text_in(*object, "issuer");
  auto chain = text_in(*object, "chain");
  auto key_pem = text_in(*object, "key");
  auto obtained = time_in(*object, "obtained");
  if (!issuer) return base::fail(issuer.error());
  if (!chain) return base::fail(chain.error());
  if (!key_pem) return base::fail(key_pem.error());
  if (!obtained) return base::fail(obtained.error());
  record.issuer = std::move(*issuer);
  record.obtained = *obtained;
  if (auto ca = text_in(*object, "ca")) record.ca = std::move(*ca);
  if (auto account = text_in(*object, "account")) record.account = std::move(*account);
  const auto revoked = object->find("revoked");
  if (revoked != object->end()) record.revoked = parse_revocation(*revoked);
  const auto names = object->find("names");
  if (names == object->end() || !names->is_array()) return damaged("it has no list 'names'");
  for (const auto& name : *names) {
    if (!name.is_string()) return damaged("a name in it is no text");
    record.names.push_back(name.get<std::string>());
  }
  if (const auto earlier = object->find("earlier"); earlier != object->end()) {
    for (const auto& at : *earlier) {
      if (!at.is_number_integer()) return damaged("a moment of its 'earlier' is no number");
      if (record.earlier.size() == Record::kEarlier) break;
      record.earlier.emplace_back(std::chrono::seconds(at.get<std::int64_t>()));
    }
  }
  auto key = tls::PrivateKey::from_pem(*key_pem);
  if (!key) return damaged("its key: " + key.error().detail);
  auto certificate = tls::Certificate::make(*chain, std::move(*key));
  if (!certificate) return damaged("its chain: " + certificate.error().detail);
  record.certificate = std::move(*certificate);
  return record;
}

std::string to_text(const Failures& failures) {
  Json object = new_document();
  object["count"] = failures.count;
  object["next_attempt"] = seconds_of(failures.next_attempt);
  object["last_error"] = failures.last_error;
  object["issuers"] = failures.issuers;
  object["of_challenge"] = failures.of_challenge;
  object["not_before"] = Json::object();
  for (const auto& [issuer, until] : failures.not_before) {
    object["not_before"][issuer] = seconds_of(until);
  }
  for (const auto& [name, left_out] : failures.left_out) {
    Json& one = object["left_out"][name];
    one["count"] = left_out.count;
    one["next_attempt"] = seconds_of(left_out.next_attempt);
    one["error"] = left_out.error;
  }
  return text_of(object);
}

namespace {

// The names that are left out, where there are any.
base::Result<void> parse_left_out(const Json& object, Failures& failures) {
  const auto all = object.find("left_out");
  if (all == object.end()) return {};
  if (!all->is_object()) return damaged("its 'left_out' is no object");
  for (const auto& [name, one] : all->items()) {
    if (!one.is_object()) return damaged("a name that is left out is no object");
    auto next = time_in(one, "next_attempt");
    auto error = text_in(one, "error");
    const auto count = one.find("count");
    if (!next) return base::fail(next.error());
    if (!error) return base::fail(error.error());
    if (count == one.end() || !count->is_number_unsigned()) return damaged("it has no count");
    failures.left_out[name] = {count->get<unsigned>(), *next, std::move(*error)};
  }
  return {};
}

}  // namespace

base::Result<Failures> parse_failures(std::string_view text) {
  auto object = parse_document(text);
  if (!object) return base::fail(object.error());
  auto next = time_in(*object, "next_attempt");
  auto last_error = text_in(*object, "last_error");
  auto issuers = text_in(*object, "issuers");
  const auto count = object->find("count");
  if (!next) return base::fail(next.error());
  if (!last_error) return base::fail(last_error.error());
  if (!issuers) return base::fail(issuers.error());
  if (count == object->end() || !count->is_number_unsigned()) return damaged("it has no count");
  Failures failures;
  failures.count = count->get<unsigned>();
  failures.next_attempt = *next;
  failures.last_error = std::move(*last_error);
  failures.issuers = std::move(*issuers);
  if (const auto flag = object->find("of_challenge"); flag != object->end()) {
    if (!flag->is_boolean()) return damaged("its 'of_challenge' is neither true nor false");
    failures.of_challenge = flag->get<bool>();
  }
  if (const auto waits = object->find("not_before"); waits != object->end()) {
    if (!waits->is_object()) return damaged("its 'not_before' is no object");
    for (const auto& [issuer, until] : waits->items()) {
      auto at = time_in(*waits, issuer.c_str());
      if (!at) return base::fail(at.error());
      failures.not_before.emplace(issuer, *at);
    }
  }
  if (auto left_out = parse_left_out(*object, failures); !left_out) {
    return base::fail(left_out.error());
  }
  return failures;
}

}  // namespace gatehouse::certs
