#include "config/dns_keys.h"

#include <utility>

namespace gatehouse::config {

namespace {

using codec::field;
using codec::List;
using codec::ObjectOf;
using codec::Optional;
using codec::Secret;
using codec::Text;

constexpr std::pair<std::string_view, DnsUpdate::Algorithm> kAlgorithms[] = {
    {"hmac-sha256", DnsUpdate::Algorithm::kHmacSha256},
    {"hmac-sha512", DnsUpdate::Algorithm::kHmacSha512}};

const std::vector<Field<DnsCommand>>& command_fields() {
  static const std::vector<Field<DnsCommand>> fields = {
      field<&DnsCommand::program, Text>("program", "absolute path of what is run"),
      field<&DnsCommand::timeout, codec::Duration>("timeout", "of one call"),
  };
  return fields;
}

const std::vector<Field<DnsUpdate>>& update_fields() {
  static const std::vector<Field<DnsUpdate>> fields = {
      field<&DnsUpdate::server, codec::DnsHost>("server", "the zone's primary: host[:port]"),
      field<&DnsUpdate::key_name, Text>("key_name", "the TSIG key's name at the server"),
      field<&DnsUpdate::key, Secret>("key", "the TSIG key in base64"),
      field<&DnsUpdate::algorithm, codec::Word<kAlgorithms>>("algorithm", "of the TSIG key"),
  };
  return fields;
}

const std::vector<Field<DnsWebhook>>& webhook_fields() {
  static const std::vector<Field<DnsWebhook>> fields = {
      field<&DnsWebhook::url, Text>("url", "/present or /cleanup is put behind it"),
      field<&DnsWebhook::token, Secret>("token", "sent as Authorization: Bearer"),
      field<&DnsWebhook::ca_file, Text>("ca_file", "PEM roots for https"),
  };
  return fields;
}

const std::vector<Field<DnsAcmeDns>>& acme_dns_fields() {
  static const std::vector<Field<DnsAcmeDns>> fields = {
      field<&DnsAcmeDns::url, Text>("url", "of the server's API"),
      field<&DnsAcmeDns::username, Secret>(
          "username", "as /register gave it; none of the three: registered for each name"),
      field<&DnsAcmeDns::password, Secret>("password", "as /register gave it"),
      field<&DnsAcmeDns::subdomain, Text>("subdomain", "as /register gave it"),
      field<&DnsAcmeDns::ca_file, Text>("ca_file", "PEM roots for https"),
  };
  return fields;
}

// An object that must have these keys; what is missing is told by check().
template <class Object, const auto& Keys>
struct Needs : Object {
  static Schema schema() {
    auto schema = Object::schema();
    for (const char* key : Keys) schema["required"].push_back(key);
    return schema;
  }
};

constexpr const char* kCommandKeys[] = {"program"};
constexpr const char* kUpdateKeys[] = {"server", "key_name", "key"};
constexpr const char* kWebhookKeys[] = {"url"};
constexpr const char* kAcmeDnsKeys[] = {"url"};
constexpr const char* kAccountKeys[] = {"username", "password", "subdomain"};
using Command = Needs<ObjectOf<DnsCommand, command_fields>, kCommandKeys>;
using Update = Needs<ObjectOf<DnsUpdate, update_fields>, kUpdateKeys>;
using Webhook = Needs<ObjectOf<DnsWebhook, webhook_fields>, kWebhookKeys>;

// Of an account there is all or nothing.
struct AcmeDns : Needs<ObjectOf<DnsAcmeDns, acme_dns_fields>, kAcmeDnsKeys> {
  static Schema schema() {
    auto schema = Needs::schema();
    for (const char* key : kAccountKeys) {
      for (const char* other : kAccountKeys) {
        if (key != other) schema["dependentRequired"][key].push_back(other);
      }
    }
    return schema;
  }
};

// While it is read: any number of providers.
struct Draft {
  std::optional<DnsCommand> command;
  std::optional<DnsUpdate> update;
  std::optional<DnsWebhook> webhook;
  std::optional<DnsAcmeDns> acme_dns;
  Dns dns;
};

template <auto Member, class C>
void read_into_dns(Decoder& d, const Node& node, Draft& out) {
  (void)C::read(d, node, out.dns.*Member);
}

const std::vector<Field<Draft>>& dns_fields() {
  using Servers = List<codec::DnsIp>;
  static const std::vector<Field<Draft>> fields = {
      field<&Draft::command, Optional<Command>>("command", "a program"),
      field<&Draft::update, Optional<Update>>("rfc2136", "dynamic updates"),
      field<&Draft::webhook, Optional<Webhook>>("webhook", "an HTTP service"),
      field<&Draft::acme_dns, Optional<AcmeDns>>("acme_dns", "a server of acme-dns"),
      {"resolvers", "asked where zones and aliases lead", &read_into_dns<&Dns::resolvers, Servers>,
       &Servers::schema},
      {"servers", "must all show a record, instead of the zone's own",
       &read_into_dns<&Dns::servers, Optional<Servers>>, &Servers::schema},
      {"propagation_timeout", "until all of them show it",
       &read_into_dns<&Dns::propagation_timeout, codec::Duration>, &codec::Duration::schema},
  };
  return fields;
}

}  // namespace

bool DnsObject::read(Decoder& d, const Node& node, Dns& out) {
  Draft draft;
  if (!read_object<Draft>(d, node, dns_fields(), draft)) return false;
  const int providers = draft.command.has_value() + draft.update.has_value() +
                        draft.webhook.has_value() + draft.acme_dns.has_value();
  if (providers != 1) {
    return d.expected(node, "exactly one of command, rfc2136, webhook, acme_dns");
  }
  out = std::move(draft.dns);
  if (draft.command) out.provider = std::move(*draft.command);
  if (draft.update) out.provider = std::move(*draft.update);
  if (draft.webhook) out.provider = std::move(*draft.webhook);
  if (draft.acme_dns) out.provider = std::move(*draft.acme_dns);
  return true;
}

Schema DnsObject::schema() {
  return codec::with_one_of(object_schema<Draft>(dns_fields()),
                            {"command", "rfc2136", "webhook", "acme_dns"});
}

}  // namespace gatehouse::config
