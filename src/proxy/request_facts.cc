#include "proxy/request_facts.h"

#include <algorithm>
#include <vector>

#include "proxy/forwarded.h"
#include "proxy/trace_context.h"

namespace gatehouse::proxy {

namespace {

using Name = http::FieldName;

constexpr std::size_t kLongestId = 128;  // of a request id that is taken over

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kLongestId && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~+/=:@").find(c) != std::string_view::npos;
  });
}

// The client among `nodes`, which proxies have added from left to right.
struct Found {
  std::string ip;
  std::size_t from_right = 0;  // which node it is
};

Found find_client(const std::vector<std::string_view>& nodes, std::string_view peer,
                  std::span<const base::IpRange> trusted) {
  Found found;
  found.ip = peer;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto address = address_of_node(nodes[nodes.size() - 1 - i]);
    if (!address) break;  // whoever said that does not say who it was
    found.ip = address->host();
    found.from_right = i;
    if (!base::contains(trusted, *address)) break;
  }
  return found;
}

// What the proxy that saw the client said, in a list that each proxy adds to, or that the first
// one alone made.
std::string_view said(const std::vector<std::string_view>& list, std::size_t from_right) {
  if (list.empty()) return {};
  return list[list.size() - 1 - std::min(from_right, list.size() - 1)];
}

// "wss" is how some proxies call https that became a WebSocket.
void read_scheme(std::string_view said, RequestFacts& facts) {
  const auto is = [said](std::string_view name) { return http::equal_names(said, name); };
  if (is("https") || is("wss")) facts.is_https = true;
  if (is("http") || is("ws")) facts.is_https = false;
}

void believe_forwarded(const http::Fields& fields, const ClientFacts& peer,
                       std::span<const base::IpRange> trusted, RequestFacts& facts) {
  const auto list = read_forwarded(fields);
  if (list.elements.empty()) return;
  std::vector<std::string_view> nodes;
  for (const auto& element : list.elements) nodes.push_back(element.node);
  auto found = find_client(nodes, peer.ip, trusted);
  const auto& element = list.elements[nodes.size() - 1 - found.from_right];
  read_scheme(element.proto, facts);
  facts.host = element.host;
  facts.client_ip = found.ip;
  facts.has_forwarded = list.is_whole;
}

void believe(const http::Fields& fields, const ClientFacts& peer,
             std::span<const base::IpRange> trusted, RequestFacts& facts) {
  facts.client_ip = peer.ip;
  const auto addresses = fields.joined(Name::kXForwardedFor);
  const auto nodes = list_parts(addresses);
  // A proxy that adds to the one passes the other on as it came, from whomever. Most add to the
  // old one.
  if (nodes.empty() && fields.has(Name::kForwarded)) {
    believe_forwarded(fields, peer, trusted, facts);
    return;
  }
  auto found = find_client(nodes, peer.ip, trusted);
  facts.client_ip = found.ip;
  const auto protos = fields.joined(Name::kXForwardedProto);
  read_scheme(said(list_parts(protos), found.from_right), facts);
  const auto hosts = fields.joined(Name::kXForwardedHost);
  facts.host = said(list_parts(hosts), found.from_right);
}

}  // namespace

RequestFacts facts_of(const http::RequestHead& head, const ClientFacts& peer,
                      std::span<const base::IpRange> trusted) {
  const auto& fields = head.fields;
  const bool relayed = fields.has(Name::kXForwardedFor) || fields.has(Name::kForwarded);
  RequestFacts facts;
  facts.is_https = peer.tls;
  facts.is_local = peer.is_local && !relayed;
  if (peer.is_trusted) {
    believe(fields, peer, trusted, facts);
    const auto id = fields.find(Name::kXRequestId);
    if (id && fields.count(Name::kXRequestId) == 1 && is_request_id(*id)) {
      facts.request_id = *id;
    }
    facts.trace_id = trace_id_of(fields);
  } else {
    facts.client_ip += peer.ip;
  }
  if (facts.request_id.empty()) facts.request_id = random_id();
  return facts;
}

}  // namespace gatehouse::proxy
