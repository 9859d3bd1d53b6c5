#include "certs/certificate_event.h"

#include <openssl/rand.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "certs/moment.h"
#include "certs/status.h"

namespace gatehouse::certs {

namespace {

using Ordered = nlohmann::ordered_json;

std::string new_event_id() {
  std::array<std::uint8_t, 16> random{};
  RAND_bytes(random.data(), random.size());
  std::string id;
  for (const std::uint8_t byte : random) {
    id += "0123456789abcdef"[byte >> 4];
    id += "0123456789abcdef"[byte & 15];
  }
  return id;
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "";
}

Ordered or_null(const std::string& text) { return text.empty() ? Ordered(nullptr) : Ordered(text); }

std::string joined_names(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : " ") + name;
  return out;
}

// Of the certificate, if there is one.
void add_certificate(Ordered& json, const CertificateEvent& event) {
  if (event.certificate == nullptr) {
    for (const char* key : {"serial", "key_type", "issued_by", "not_before", "not_after"}) {
      json[key] = nullptr;
    }
    return;
  }
  const tls::LeafFacts& leaf = event.certificate->leaf();
  json["serial"] = leaf.serial;
  json["key_type"] = event.certificate->key().type_name();
  json["issued_by"] = leaf.issuer;
  json["not_before"] = timestamp_of(leaf.not_before);
  json["not_after"] = timestamp_of(leaf.not_after);
  if (event.is_new()) json["chain"] = event.certificate->chain_pem();
}

}  // namespace

CertificateEvent::CertificateEvent(config::HookEvent k, base::WallTime now)
    : kind(k), id(new_event_id()), at(now) {}

std::string to_json(const CertificateEvent& event) {
  Ordered json;
  json["event"] = config::name(event.kind);
  json["id"] = event.id;
  json["at"] = timestamp_of(event.at);
  json["host"] = host_name();
  json["name"] = event.names.front();
  json["names"] = event.names;
  json["source"] = or_null(std::string(event.source == Source::kNone ? "" : name(event.source)));
  json["issuer"] = or_null(event.issuer);
  add_certificate(json, event);
  switch (event.kind) {
    case config::HookEvent::kObtained: break;
    case config::HookEvent::kRenewed: json["replaces"] = or_null(event.replaces); break;
    case config::HookEvent::kRevoked: json["reason"] = event.reason; break;
    case config::HookEvent::kExpiring: json["stage"] = event.stage; break;
    case config::HookEvent::kFailed:
      json["failures"] = event.failures;
      json["error"] = {
          {"kind", event.error_kind}, {"detail", event.error}, {"advice", or_null(event.advice)}};
      json["next_attempt"] = timestamp_of(event.next_attempt);
      break;
  }
  return json.dump(-1, ' ', false, Ordered::error_handler_t::replace);
}

base::ProgramInput to_input(const CertificateEvent& event) {
  base::ProgramInput input;
  input.standard_input = to_json(event) + "\n";
  const auto set = [&](const char* variable, const std::string& value) {
    input.environment.push_back(std::string(variable) + "=" + value);
  };
  set("GATEHOUSE_EVENT", std::string(config::name(event.kind)));
  set("GATEHOUSE_EVENT_ID", event.id);
  set("GATEHOUSE_NAME", event.names.front());
  set("GATEHOUSE_NAMES", joined_names(event.names));
  set("GATEHOUSE_ISSUER", event.issuer);
  set("GATEHOUSE_SERIAL", event.certificate ? event.certificate->leaf().serial : "");
  set("GATEHOUSE_KEY_TYPE", event.certificate ? event.certificate->key().type_name() : "");
  set("GATEHOUSE_NOT_AFTER",
      event.certificate ? timestamp_of(event.certificate->leaf().not_after) : "");
  set("GATEHOUSE_ERROR", event.error);
  set("GATEHOUSE_CHAIN", event.is_new() ? "/dev/fd/3" : "");
  set("GATEHOUSE_KEY", event.is_new() ? "/dev/fd/4" : "");
  if (event.is_new()) {
    input.files.push_back(event.certificate->chain_pem());
    input.files.push_back(event.certificate->key().pem());
  }
  return input;
}

}  // namespace gatehouse::certs
