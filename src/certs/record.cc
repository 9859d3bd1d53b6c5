#include "certs/record.h"

#include <nlohmann/json.hpp>

namespace gatehouse::certs {

namespace {

using nlohmann::json;

constexpr int kRecordVersion = 1;

std::unexpected<base::Error> damaged(std::string what) {
  return base::fail(base::Code::kDamaged, base::Side::kStorage, std::move(what));
}

std::int64_t seconds(base::WallTime at) { return at.time_since_epoch().count(); }

// Reads an object of our version; throws nothing.
base::Result<json> parse_object(std::string_view text) {
  json parsed = json::parse(text, nullptr, false);
  if (parsed.is_discarded() || !parsed.is_object()) return damaged("it is no JSON object");
  const auto version = parsed.find("version");
  if (version == parsed.end() || !version->is_number_integer()) {
    return damaged("it has no version");
  }
  if (version->get<std::int64_t>() != kRecordVersion) return damaged("its version is not known");
  return parsed;
}

base::Result<std::string> text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) {
    return damaged(std::string("it has no text '") + key + "'");
  }
  return found->get<std::string>();
}

base::Result<base::WallTime> time_of(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) {
    return damaged(std::string("it has no time '") + key + "'");
  }
  return base::WallTime(std::chrono::seconds(found->get<std::int64_t>()));
}

}  // namespace

base::WallTime Record::due() const {
  const auto& leaf = certificate->leaf();
  const std::string_view name = names.empty() ? std::string_view() : names.front();
  return renewal_due(name, leaf.not_before, leaf.not_after, obtained);
}

std::string to_text(const Record& record) {
  json object;
  object["version"] = kRecordVersion;
  object["issuer"] = record.issuer;
  object["names"] = record.names;
  object["obtained"] = seconds(record.obtained);
  object["not_after"] = seconds(record.certificate->leaf().not_after);
  object["serial"] = record.certificate->leaf().serial;
  object["chain"] = record.certificate->chain_pem();
  object["key"] = record.certificate->key().pem();
  return object.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

base::Result<Record> parse_record(std::string_view text) {
  auto object = parse_object(text);
  if (!object) return base::fail(object.error());
  Record record;
  auto issuer = text_of(*object, "issuer");
  auto chain = text_of(*object, "chain");
  auto key_pem = text_of(*object, "key");
  auto obtained = time_of(*object, "obtained");
  if (!issuer) return base::fail(issuer.error());
  if (!chain) return base::fail(chain.error());
  if (!key_pem) return base::fail(key_pem.error());
  if (!obtained) return base::fail(obtained.error());
  record.issuer = std::move(*issuer);
  record.obtained = *obtained;
  const auto names = object->find("names");
  if (names == object->end() || !names->is_array()) return damaged("it has no list 'names'");
  for (const auto& name : *names) {
    if (!name.is_string()) return damaged("a name in it is no text");
    record.names.push_back(name.get<std::string>());
  }
  auto key = tls::PrivateKey::from_pem(*key_pem);
  if (!key) return damaged("its key: " + key.error().detail);
  auto certificate = tls::Certificate::make(*chain, std::move(*key));
  if (!certificate) return damaged("its chain: " + certificate.error().detail);
  record.certificate = std::move(*certificate);
  return record;
}

std::string to_text(const Failures& failures) {
  json object;
  object["version"] = kRecordVersion;
  object["count"] = failures.count;
  object["next_attempt"] = seconds(failures.next_attempt);
  object["last_error"] = failures.last_error;
  object["issuers"] = failures.issuers;
  object["not_before"] = json::object();
  for (const auto& [issuer, until] : failures.not_before) {
    object["not_before"][issuer] = seconds(until);
  }
  return object.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

base::Result<Failures> parse_failures(std::string_view text) {
  auto object = parse_object(text);
  if (!object) return base::fail(object.error());
  auto next = time_of(*object, "next_attempt");
  auto last_error = text_of(*object, "last_error");
  auto issuers = text_of(*object, "issuers");
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
  if (const auto waits = object->find("not_before"); waits != object->end()) {
    if (!waits->is_object()) return damaged("its 'not_before' is no object");
    for (const auto& [issuer, until] : waits->items()) {
      auto at = time_of(*waits, issuer.c_str());
      if (!at) return base::fail(at.error());
      failures.not_before.emplace(issuer, *at);
    }
  }
  return failures;
}

}  // namespace gatehouse::certs
