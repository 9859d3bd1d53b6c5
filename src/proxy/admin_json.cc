#include "proxy/admin_json.h"

#include "certs/moment.h"

namespace gatehouse::proxy {

namespace {

AdminJson moment(const std::optional<base::WallTime>& at) {
  return at ? AdminJson(certs::timestamp_of(*at)) : AdminJson(nullptr);
}

AdminJson text_or_null(const std::string& text) {
  return text.empty() ? AdminJson(nullptr) : AdminJson(text);
}

}  // namespace

AdminJson to_json(const certs::CertificateStatus& status) {
  AdminJson json;
  json["name"] = status.name;
  json["state"] = certs::name(status.standing);
  json["source"] = certs::name(status.source);
  json["names"] = status.names;
  json["issuer"] = text_or_null(status.issuer);
  json["former_issuer"] = status.former_issuer;
  json["issued_by"] = text_or_null(status.issued_by);
  json["serial"] = text_or_null(status.serial);
  json["key_type"] = text_or_null(status.key_type);
  json["not_before"] = moment(status.not_before);
  json["not_after"] = moment(status.not_after);
  json["renewal"] = moment(status.renewal);
  json["stapled_until"] = moment(status.stapled_until);
  json["failures"] = status.failures;
  json["last_error"] = text_or_null(status.last_error);
  json["next_attempt"] = moment(status.next_attempt);
  for (const auto& other : status.others) json["others"].push_back(to_json(other));
  return json;
}

AdminJson to_json(const certs::StatusPage& page) {
  AdminJson json;
  json["certificates"] = AdminJson::array();
  for (const auto& one : page.certificates) json["certificates"].push_back(to_json(one));
  json["next"] = text_or_null(page.next);
  return json;
}

AdminJson to_json(const std::vector<certs::NameOutcome>& outcomes) {
  AdminJson json;
  json["certificates"] = AdminJson::array();
  for (const auto& one : outcomes) {
    AdminJson entry;
    entry["name"] = one.name;
    entry["outcome"] = one.outcome;
    entry["error"] = text_or_null(one.error);
    json["certificates"].push_back(std::move(entry));
  }
  return json;
}

std::string text_of(const AdminJson& json) {
  return json.dump(-1, ' ', false, AdminJson::error_handler_t::replace);
}

}  // namespace gatehouse::proxy
