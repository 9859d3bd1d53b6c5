#include "proxy/forwarding_fields.h"

#include <algorithm>
#include <array>
#include <string>

#include "proxy/forwarded.h"

namespace gatehouse::proxy {

namespace {

using Name = http::FieldName;

constexpr std::array<std::string_view, 5> kNames = {"Forwarded", "X-Real-IP", "X-Request-Id",
                                                    "traceparent", "tracestate"};
// RFC 9440. A trusted peer's are not believed either: most proxies pass on what they do not know.
constexpr std::array<std::string_view, 2> kCertificateNames = {"Client-Cert", "Client-Cert-Chain"};
constexpr std::array<std::string_view, 2> kPrefixes = {"X-Forwarded-", "CF-"};
// The same, as they are told apart when they are read.
constexpr http::FieldNames kKnown = {
    Name::kForwarded,      Name::kXRealIp,        Name::kXRequestId,      Name::kTraceparent,
    Name::kTracestate,     Name::kClientCert,     Name::kClientCertChain, Name::kXForwardedFor,
    Name::kXForwardedHost, Name::kXForwardedProto};

// Of a trusted peer's, those that are written anew.
constexpr http::FieldNames kSetAnew = {Name::kXForwardedFor, Name::kXForwardedProto,
                                       Name::kXForwardedHost, Name::kForwarded, Name::kXRequestId};

// CGI and its heirs give "X_Forwarded_For" and "X.Forwarded.For" to a program under the one name
// that it knows "X-Forwarded-For" by.
bool means(std::string_view name, std::string_view ours) {
  return std::ranges::equal(name, ours, [](char a, char b) {
    if (a == '_' || a == '.') a = '-';
    return http::equal_names(std::string_view(&a, 1), std::string_view(&b, 1));
  });
}

bool means_certificate(std::string_view name) {
  return std::ranges::any_of(kCertificateNames,
                             [&](std::string_view ours) { return means(name, ours); });
}

// X-Forwarded-For as the trusted peer sent it, or made of its Forwarded.
std::string list_before_us(const http::Fields& fields) {
  auto list = fields.joined(Name::kXForwardedFor);
  if (!list_parts(list).empty()) return list;
  list.clear();
  for (const auto& element : read_forwarded(fields).elements) {
    const auto address = address_of_node(element.node);
    if (!list.empty()) list += ", ";
    list += address ? address->host() : "unknown";
  }
  return list;
}

// What only looks like a field of a trusted peer's, and what it says that was not believed.
void remove_doubtful(http::Fields& fields, const RequestFacts& facts) {
  fields.remove_if([&facts](const http::Field& field) {
    if (!means_forwarding(field)) return false;
    if (field.odd || means_certificate(field.name)) return true;
    return field.known == Name::kXRealIp && field.value != facts.client_ip;
  });
  if (facts.trace_id.empty()) {
    fields.remove(Name::kTraceparent);
    fields.remove(Name::kTracestate);
  }
}

// The client's address behind those that a trusted peer tells of.
std::string list_with(const http::Fields& fields, std::string_view ip) {
  auto list = list_before_us(fields);
  if (!list.empty()) list += ", ";
  return list.append(ip);
}

}  // namespace

bool names_forwarding(std::string_view name) {
  return means_certificate(name) ||
         std::ranges::any_of(kNames, [&](std::string_view ours) { return means(name, ours); }) ||
         std::ranges::any_of(kPrefixes, [&](std::string_view ours) {
           return means(name.substr(0, ours.size()), ours);
         });
}

bool means_forwarding(const http::Field& field) {
  if (field.known != Name::kOther) return kKnown.contains(field.known);
  if (field.odd) return names_forwarding(field.name);
  return std::ranges::any_of(kPrefixes, [&](std::string_view ours) {
    return http::equal_names(field.name.substr(0, ours.size()), ours);
  });
}

void set_forwarding_fields(http::Fields& fields, std::string_view authority,
                           const ClientFacts& peer, const RequestFacts& facts) {
  if (peer.is_trusted) {
    remove_doubtful(fields, facts);
    const auto list = list_with(fields, peer.ip);
    std::string forwarded;
    if (facts.has_forwarded) {
      forwarded = fields.joined(Name::kForwarded) + ", " +
                  forwarded_element(peer.ip, peer.tls ? "https" : "http", authority);
    }
    fields.remove_if([](const http::Field& field) { return kSetAnew.contains(field.known); });
    fields.add(Name::kXForwardedFor, list);
    if (!forwarded.empty()) fields.add(Name::kForwarded, forwarded);
  } else {
    if (fields.may_have(kKnown) || fields.may_have({Name::kOther})) {
      fields.remove_if([](const http::Field& field) { return means_forwarding(field); });
    }
    fields.add(Name::kXForwardedFor, peer.ip);
  }
  fields.add(Name::kXForwardedProto, facts.scheme());
  const auto host = facts.host.empty() ? authority : std::string_view(facts.host);
  if (!host.empty()) fields.add(Name::kXForwardedHost, host);
  fields.add(Name::kXRequestId, facts.request_id);
  if (!peer.certificate.empty()) fields.add(Name::kClientCert, peer.certificate);
}

}  // namespace gatehouse::proxy
