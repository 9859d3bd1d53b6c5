#include "proxy/forwarding_fields.h"

#include <algorithm>
#include <array>
#include <string>

#include "proxy/forwarded.h"

namespace gatehouse::proxy {

namespace {

constexpr std::array<std::string_view, 5> kNames = {"Forwarded", "X-Real-IP", "X-Request-Id",
                                                    "traceparent", "tracestate"};
// RFC 9440. A trusted peer's are not believed either: most proxies pass on what they do not know.
constexpr std::array<std::string_view, 2> kCertificateNames = {"Client-Cert", "Client-Cert-Chain"};
constexpr std::array<std::string_view, 2> kPrefixes = {"X-Forwarded-", "CF-"};

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
  auto list = fields.joined("X-Forwarded-For");
  if (!list_parts(list).empty()) return list;
  list.clear();
  for (const auto& element : read_forwarded(fields).elements) {
    const auto address = address_of_node(element.node);
    if (!list.empty()) list += ", ";
    list += address ? address->host() : "unknown";
  }
  return list;
}

void replace(http::Fields& fields, std::string_view name, std::string_view value) {
  if (value.empty()) {
    fields.remove(name);
  } else {
    fields.set(name, value);
  }
}

// What only looks like a field of a trusted peer's, and what it says that was not believed.
void remove_doubtful(http::Fields& fields, const RequestFacts& facts) {
  std::erase_if(fields.list(), [&facts](const http::Field& field) {
    if (!means_forwarding(field.name)) return false;
    if (means_certificate(field.name)) return true;
    if (field.name.find_first_of("_.") != std::string::npos) return true;
    return http::equal_names(field.name, "X-Real-IP") && field.value != facts.client_ip;
  });
  if (facts.trace_id.empty()) {
    fields.remove("traceparent");
    fields.remove("tracestate");
  }
}

}  // namespace

bool means_forwarding(std::string_view name) {
  return means_certificate(name) ||
         std::ranges::any_of(kNames, [&](std::string_view ours) { return means(name, ours); }) ||
         std::ranges::any_of(kPrefixes, [&](std::string_view ours) {
           return means(name.substr(0, ours.size()), ours);
         });
}

void set_forwarding_fields(http::Fields& fields, std::string_view authority,
                           const ClientFacts& peer, const RequestFacts& facts) {
  std::string list;
  std::string forwarded;
  if (peer.is_trusted) {
    remove_doubtful(fields, facts);
    list = list_before_us(fields);
    if (!list.empty()) list += ", ";
    if (facts.has_forwarded) {
      forwarded = fields.joined("Forwarded") + ", " +
                  forwarded_element(peer.ip, peer.tls ? "https" : "http", authority);
    }
  } else {
    std::erase_if(fields.list(),
                  [](const http::Field& field) { return means_forwarding(field.name); });
  }
  list += peer.ip;
  fields.set("X-Forwarded-For", list);
  fields.set("X-Forwarded-Proto", facts.scheme());
  replace(fields, "X-Forwarded-Host", facts.host.empty() ? authority : facts.host);
  replace(fields, "Forwarded", forwarded);
  fields.set("X-Request-Id", facts.request_id);
  if (!peer.certificate.empty()) fields.set("Client-Cert", peer.certificate);
}

}  // namespace gatehouse::proxy
