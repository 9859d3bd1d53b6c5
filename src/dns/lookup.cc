#include "dns/lookup.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

namespace gatehouse::dns {

namespace {

using base::Code;
using base::Side;

constexpr std::size_t kResolvers = 3;  // MAXNS of the C library
constexpr std::size_t kLabels = 128;

std::unexpected<base::Error> failed(Code code, std::string detail) {
  return base::fail(code, Side::kUpstream, base::Retry::kYes, std::move(detail));
}

bool is_within(std::string_view name, std::string_view zone) {
  if (!name.ends_with(zone) || zone.empty()) return false;
  return name.size() == zone.size() || name[name.size() - zone.size() - 1] == '.';
}

}  // namespace

std::vector<base::Endpoint> system_resolvers(const std::string& file) {
  std::vector<base::Endpoint> servers;
  std::ifstream in(file);
  for (std::string line; servers.size() < kResolvers && std::getline(in, line);) {
    std::istringstream words(line);
    std::string key;
    std::string ip;
    words >> key >> ip;
    if (key != "nameserver") continue;
    const auto server = base::Endpoint::from_ip(ip, kPort);  // none of fe80::1%eth0
    if (server) servers.push_back(*server);
  }
  if (servers.empty()) servers.push_back(*base::Endpoint::from_ip("127.0.0.1", kPort));
  return servers;
}

std::string parent_of(std::string_view name) {
  const auto dot = name.find('.');
  return dot == std::string_view::npos ? std::string() : std::string(name.substr(dot + 1));
}

std::string zone_in(const Answer& answer, std::string_view name) {
  for (const auto* section : {&answer.answers, &answer.authority}) {
    for (const Record& record : *section) {
      if (record.type == Type::kSoa && is_within(name, record.name)) return record.name;
    }
  }
  return {};
}

base::Task<base::Result<Answer>> Lookup::ask(std::string name, Type type, base::Deadline deadline) {
  base::Result<Answer> answer = failed(Code::kNotFound, "no DNS server is known");
  for (const base::Endpoint& server : resolvers_) {
    answer = co_await dns::ask(loop_, server, name, type, true, deadline);
    if (answer || deadline.passed()) break;
  }
  co_return answer;
}

base::Task<base::Result<std::string>> Lookup::canonical(std::string name, base::Deadline deadline) {
  const std::string first = name;
  std::set<std::string> seen;
  while (seen.size() <= kAliases) {
    if (!seen.insert(name).second) {
      co_return failed(Code::kMalformed, "the CNAME records at " + first + " lead in a ring");
    }
    auto answer = co_await ask(name, Type::kCname, deadline);
    if (!answer) co_return base::fail(std::move(answer.error()));
    const auto alias = std::ranges::find_if(answer->answers, [&](const Record& record) {
      return record.type == Type::kCname && record.name == name;
    });
    if (alias == answer->answers.end()) co_return name;
    name = alias->value;
  }
  co_return failed(Code::kMalformed, "more than " + std::to_string(kAliases) +
                                         " CNAME records stand one behind another at " + first);
}

base::Task<base::Result<std::string>> Lookup::zone_of(std::string name, base::Deadline deadline) {
  std::size_t labels = 0;
  for (std::string at = name; !at.empty() && labels < kLabels; at = parent_of(at), ++labels) {
    auto answer = co_await ask(at, Type::kSoa, deadline);
    if (!answer) co_return base::fail(std::move(answer.error()));
    std::string zone = zone_in(*answer, name);
    if (!zone.empty()) co_return std::move(zone);
  }
  co_return failed(Code::kNotFound, "no DNS zone holds " + name);
}

base::Task<base::Result<std::vector<NameServer>>> Lookup::servers_of(std::string zone,
                                                                     base::Deadline deadline) {
  auto answer = co_await ask(zone, Type::kNs, deadline);
  if (!answer) co_return base::fail(std::move(answer.error()));
  std::vector<NameServer> servers;
  for (const Record& record : answer->answers) {
    if (record.type != Type::kNs || servers.size() >= kServers) continue;
    NameServer server;
    server.name = record.value;
    auto addresses = co_await addresses_of(record.value, deadline);
    if (!addresses) co_return base::fail(std::move(addresses.error()));
    server.addresses = std::move(*addresses);
    servers.push_back(std::move(server));
  }
  if (servers.empty()) {
    co_return failed(Code::kNotFound, "the DNS zone " + zone + " names no server of its own");
  }
  co_return std::move(servers);
}

base::Task<base::Result<std::vector<base::Endpoint>>> Lookup::addresses_of(
    std::string host, base::Deadline deadline) {
  std::vector<base::Endpoint> addresses;
  for (const Type type : {Type::kA, Type::kAaaa}) {
    auto answer = co_await ask(host, type, deadline);
    if (!answer) co_return base::fail(std::move(answer.error()));
    for (const Record& record : answer->answers) {
      if (record.type != type || addresses.size() >= kAddresses) continue;
      const auto address = base::Endpoint::from_ip(record.value, port_);
      if (address) addresses.push_back(*address);
    }
  }
  co_return std::move(addresses);
}

}  // namespace gatehouse::dns
