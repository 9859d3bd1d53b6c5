#include "config/check.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/endpoint.h"
#include "config/base64.h"
#include "config/codec.h"
#include "config/http_url.h"
#include "config/known_cas.h"

namespace gatehouse::config {

namespace {

// Finds nodes by path and notes errors there, but none of values that could not be read: what is
// said of those already is why.
class Checker {
 public:
  Checker(const Config& config, const Node& root, std::vector<ConfigError>& errors)
      : config_(config), root_(root), errors_(errors), unread_(errors.size()) {}

  void run() {
    check_sites();
    check_on_demand();
    check_issuers(config_.tls.issuers, {"tls", "issuers"});
    check_key_types();
    for (const auto& [name, group] : config_.upstreams) check_upstreams(group, {"upstreams", name});
    check_listeners();
  }

 private:
  using Path = std::vector<std::string>;

  void wrong(const Path& path, std::string message) {
    if (errors_.size() >= kMostErrors) return;
    std::string pointer;
    const Node* node = &root_;
    int line = root_.line;
    for (const auto& part : path) {
      pointer = pointer_to(pointer, part);
      if (node == nullptr) continue;
      if (node->kind == Node::Kind::kList) {
        const auto index = static_cast<std::size_t>(std::stoul(part));
        node = index < node->items.size() ? &node->items[index] : nullptr;
      } else {
        node = node->find(part);
      }
      if (node != nullptr) line = node->line;
    }
    const auto unread = errors_.begin() + static_cast<std::ptrdiff_t>(unread_);
    const auto is_here = [&](const ConfigError& e) { return e.pointer == pointer; };
    if (std::any_of(errors_.begin(), unread, is_here)) return;
    errors_.push_back({std::move(pointer), line, std::move(message)});
  }

  static Path below(Path path, std::string part) {
    path.push_back(std::move(part));
    return path;
  }

  void check_sites();
  void check_site(const Site& site, const Path& at);
  void check_host(const Site& site, const std::string& host, const Path& at);
  void check_site_tls(const Site& site, const Path& at);
  void check_one_certificate(const Site& site, const Path& at);
  void check_key_types();
  void check_route(const Route& route, const Path& at);
  void check_redirect(const Redirect& redirect, const Path& at);
  void check_upstreams(const Proxy& group, const Path& at);
  void check_on_demand();
  void check_issuers(const std::vector<Issuer>& issuers, const Path& at);
  void check_dns(const Dns& dns, const Path& at);
  void check_ca(const AcmeIssuer& acme, const Path& place);
  void check_listeners();

  const Config& config_;
  const Node& root_;
  std::vector<ConfigError>& errors_;
  const std::size_t unread_;  // errors of reading, which stand first
  std::map<std::string, std::size_t> first_site_of_;
};

constexpr std::string_view kPlaceholders[] = {"host",   "uri",    "path",      "query",
                                              "method", "scheme", "client_ip", "request_id"};
constexpr std::size_t kMostNames = 100;  // of one certificate (Let's Encrypt's bound)
constexpr int kRedirects[] = {301, 302, 303, 307, 308};

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

// What handshakes take for a name (tls::is_host_name) beyond is_host_name().
bool may_own_certificate(std::string_view host) {
  const auto last = host.substr(host.rfind('.') + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return std::ranges::count(host, '.') < 10 && host.find('_') == std::string_view::npos &&
         !std::ranges::all_of(last, is_digit);
}

bool is_base64(std::string_view text) {
  const auto digits = text.substr(0, text.find('='));
  return !digits.empty() && text.size() % 4 == 0 && text.size() - digits.size() <= 2 &&
         std::ranges::all_of(digits, is_base64_digit);
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  return host.starts_with("127.") && base::is_ip_literal(host);
}

void Checker::check_sites() {
  for (std::size_t i = 0; i < config_.sites.size(); ++i) {
    const Path at{"sites", std::to_string(i)};
    const auto& site = config_.sites[i];
    check_site(site, at);
    for (std::size_t h = 0; h < site.hosts.size(); ++h) {
      const auto [entry, added] = first_site_of_.emplace(site.hosts[h], i);
      if (added || site.hosts[h].empty()) continue;
      wrong({"sites", std::to_string(i), "hosts", std::to_string(h)},
            "the host \"" + site.hosts[h] + "\" is given already in /sites/" +
                std::to_string(entry->second));
    }
  }
}

void Checker::check_site(const Site& site, const Path& at) {
  const auto hosts = below(at, "hosts");
  const auto* node = root_.find("sites");
  const auto index = static_cast<std::size_t>(std::stoul(at.back()));
  const bool has_hosts =
      node != nullptr && index < node->items.size() && node->items[index].find("hosts") != nullptr;
  if (site.hosts.empty() && has_hosts) wrong(hosts, "expected one host at least");
  for (std::size_t h = 0; h < site.hosts.size(); ++h) {
    check_host(site, site.hosts[h], below(hosts, std::to_string(h)));
  }
  check_site_tls(site, at);
  const bool shorthand = has_hosts && node->items[index].find("routes") == nullptr;
  for (std::size_t r = 0; r < site.routes.size(); ++r) {
    auto route = shorthand ? at : below(below(at, "routes"), std::to_string(r));
    check_route(site.routes[r], route);
  }
}

void Checker::check_host(const Site& site, const std::string& host, const Path& at) {
  if (host == "*" || host.empty()) {
    if (host.empty()) wrong(at, "expected a host name, found \"\"");
    return;
  }
  if (base::is_ip_literal(host)) {
    if (site.tls.enabled && site.tls.on_demand) {
      wrong(at, "no handshake names an IP address: give it a site without \"on_demand\"");
    }
    return;
  }
  if (host.find("://") != std::string::npos || host.find('/') != std::string::npos) {
    wrong(at, "a host has no scheme and no path: expected a name such as \"a.example\"");
  } else if (host.find(':') != std::string::npos) {
    wrong(at, "a host has no port: \"listen\" says where gatehouse listens");
  } else if (!is_host_name(host.starts_with("*.") ? host.substr(2) : host)) {
    wrong(at, "\"" + host + "\" is no host name: expected \"a.example\", \"*.a.example\" (one " +
                  "label) or \"*\"");
  } else if (site.tls.enabled && !config_.listen.https.empty() && !may_own_certificate(host)) {
    wrong(at, "\"" + host + "\" gets no certificate: expected ten labels at most, without \"_\", " +
                  "the last one not a number, or \"tls\": false");
  }
}

void Checker::check_site_tls(const Site& site, const Path& at) {
  const auto tls = below(at, "tls");
  if (!site.tls.enabled) return;
  if (site.tls.client_auth) {
    const auto place = below(tls, "client_auth");
    if (site.tls.client_auth->ca_file.empty()) wrong(place, "expected \"ca_file\"");
    if (config_.listen.https.empty()) wrong(place, "needs a listener in /listen/https");
  }
  if (!site.tls.certificate.empty()) {
    for (const CertificateFiles& files : site.tls.certificate) {
      if (!files.file.empty() && !files.key.empty()) continue;
      wrong(below(tls, "certificate"), "expected both \"file\" and \"key\"");
    }
    if (site.tls.certificate.size() > 2) {
      wrong(below(tls, "certificate"),
            "expected two at most: one with an ECDSA, one with an RSA key");
    }
    if (site.tls.on_demand || site.tls.one_certificate || !site.tls.issuers.empty()) {
      wrong(tls,
            "\"certificate\" stands alone: expected neither \"on_demand\", "
            "\"one_certificate\" nor \"issuers\"");
    }
    return;
  }
  if (site.tls.one_certificate) check_one_certificate(site, below(tls, "one_certificate"));
  check_issuers(site.tls.issuers, below(tls, "issuers"));
  if (site.tls.on_demand) return;
  for (std::size_t h = 0; h < site.hosts.size(); ++h) {
    if (!site.hosts[h].starts_with('*')) continue;
    const auto& issuers = site.tls.issuers.empty() ? config_.tls.issuers : site.tls.issuers;
    const bool signed_here =
        site.hosts[h] != "*" && (issuers.empty() ? uses_internal_issuer(site.hosts[h].substr(2))
                                                 : std::ranges::any_of(issuers, signs_wildcards));
    if (signed_here) continue;
    wrong({at[0], at[1], "hosts", std::to_string(h)},
          "\"" + site.hosts[h] + "\" stands for names that are not known yet: expected " +
              "\"tls\": {\"on_demand\": true}, a \"certificate\" from files, " +
              (site.hosts[h] == "*" ? "" : "an ACME issuer with \"dns\", the internal CA, ") +
              "or \"tls\": false");
  }
}

void Checker::check_one_certificate(const Site& site, const Path& at) {
  if (site.tls.on_demand) wrong(at, "names on demand are not known before: each has its own");
  if (site.hosts.size() > kMostNames) {
    wrong(at, "expected at most " + std::to_string(kMostNames) + " hosts: CAs take no more names");
  }
  if (!site.tls.issuers.empty() || !config_.tls.issuers.empty()) return;
  const auto is_internal = [](std::string_view host) {
    return uses_internal_issuer(host.starts_with("*.") ? host.substr(2) : host);
  };
  const auto internal = std::ranges::count_if(site.hosts, is_internal);
  if (internal == 0 || internal == std::ssize(site.hosts)) return;
  wrong(at,
        "by default some of these hosts are for a public CA and some for the internal one: "
        "expected \"issuers\", or two sites");
}

void Checker::check_route(const Route& route, const Path& at) {
  for (std::size_t p = 0; p < route.match.path.size(); ++p) {
    const auto& path = route.match.path[p];
    const bool suffix = path.starts_with("*.") && path.find('/') == std::string::npos &&
                        path.find('*', 1) == std::string::npos && path.size() > 2;
    const auto star = path.find('*');
    const bool plain =
        path.starts_with('/') &&
        (star == std::string::npos || (star == path.size() - 1 && path[star - 1] == '/'));
    if (suffix || plain) continue;
    auto place = below(below(at, "match"), "path");
    if (route.match.path.size() > 1) place = below(place, std::to_string(p));
    wrong(place, "expected \"/exact\", \"/prefix/*\" or \"*.ext\", found \"" + path + "\"");
  }
  if (const auto* proxy = std::get_if<Proxy>(&route.action)) {
    check_upstreams(*proxy, below(at, "proxy"));
  }
  if (const auto* redirect = std::get_if<Redirect>(&route.action)) {
    check_redirect(*redirect, below(at, "redirect"));
  }
  if (const auto* respond = std::get_if<Respond>(&route.action)) {
    for (const auto& [field, value] : respond->headers) {
      const auto place = below(below(below(at, "respond"), "headers"), field);
      if (!codec::is_token(field)) wrong(place, "\"" + field + "\" is no field name");
      if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
        wrong(place, "a field value has no line break");
      }
    }
  }
}

void Checker::check_upstreams(const Proxy& group, const Path& at) {
  if (!group.group.empty()) {
    if (config_.upstreams.contains(group.group)) return;
    std::string known;
    for (const auto& [name, one] : config_.upstreams) known += " \"" + name + "\"";
    wrong(at, "\"" + group.group + "\" is neither a URL (http://, https://, h2c://, unix:/path) " +
                  "nor a group in /upstreams" + (known.empty() ? "" : ", which has" + known));
    return;
  }
  const auto& tls = group.tls;
  const auto place = below(at, "tls");
  const bool encrypted = std::ranges::any_of(group.servers, [](const UpstreamServer& one) {
    return one.scheme == UpstreamServer::Scheme::kHttps;
  });
  if (!(tls == UpstreamTls()) && !encrypted && !group.servers.empty()) {
    wrong(place, "no server of the group has https://");
  }
  if (tls.insecure && !tls.ca_file.empty()) {
    wrong(below(place, "insecure"), "\"ca_file\" has no meaning when any certificate is taken");
  }
  const bool ip = base::is_ip_literal(tls.server_name);
  if (!tls.server_name.empty() && !ip && !is_host_name(tls.server_name)) {
    wrong(below(place, "server_name"), "expected a host name or an IP address");
  }
  if (!tls.client_certificate) return;
  if (tls.client_certificate->file.empty() || tls.client_certificate->key.empty()) {
    wrong(below(place, "client_certificate"), "expected both \"file\" and \"key\"");
  }
}

void Checker::check_redirect(const Redirect& redirect, const Path& at) {
  if (redirect.to.empty()) wrong(at, "expected where to redirect to (\"to\")");
  if (std::find(std::begin(kRedirects), std::end(kRedirects), redirect.status) ==
      std::end(kRedirects)) {
    wrong(below(at, "status"), "expected 301, 302, 303, 307 or 308");
  }
  if (redirect.to.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    wrong(at, "a redirect has no line break");
  }
  for (auto open = redirect.to.find('{'); open != std::string::npos;
       open = redirect.to.find('{', open + 1)) {
    const auto close = redirect.to.find('}', open);
    const auto name =
        redirect.to.substr(open + 1, close == std::string::npos ? close : close - open - 1);
    if (close == std::string::npos || std::find(std::begin(kPlaceholders), std::end(kPlaceholders),
                                                name) == std::end(kPlaceholders)) {
      wrong(at, "unknown placeholder \"{" + name +
                    "}\": expected {host}, {uri}, {path}, {query}, " +
                    "{method}, {scheme}, {client_ip} or {request_id}");
    }
  }
}

void Checker::check_on_demand() {
  const auto& on_demand = config_.tls.on_demand;
  if (!on_demand.ask.empty() && !is_http_url(on_demand.ask)) {
    wrong({"tls", "on_demand", "ask"},
          "expected a URL such as \"http://127.0.0.1:3000/tls-allowed\"");
  }
  for (std::size_t i = 0; i < on_demand.allow.size(); ++i) {
    const auto& pattern = on_demand.allow[i];
    if (!is_host_name(pattern.starts_with("*.") ? pattern.substr(2) : pattern)) {
      wrong({"tls", "on_demand", "allow", std::to_string(i)},
            "expected a name pattern such as \"a.example\" or \"*.a.example\"");
    }
  }
  if (!on_demand.ask.empty() || !on_demand.allow.empty()) return;
  for (std::size_t i = 0; i < config_.sites.size(); ++i) {
    if (!config_.sites[i].tls.on_demand) continue;
    wrong({"sites", std::to_string(i), "tls", "on_demand"},
          "on demand needs somebody who says which names are yours: expected \"ask\" or " +
              std::string("\"allow\" in /tls/on_demand"));
  }
}

void Checker::check_issuers(const std::vector<Issuer>& issuers, const Path& at) {
  for (std::size_t i = 0; i < issuers.size(); ++i) {
    const auto* acme = std::get_if<AcmeIssuer>(&issuers[i]);
    if (acme == nullptr) continue;
    auto place = below(below(at, std::to_string(i)), "acme");
    const bool safe =
        acme->directory.starts_with("https://") || is_loopback(host_of_url(acme->directory));
    if (!is_http_url(acme->directory) || !safe) {
      wrong(below(place, "directory"), "expected an https:// URL (http:// on the loopback alone)");
    }
    if (acme->challenges.empty()) {
      wrong(below(place, "challenges"), "expected one challenge at least");
    }
    const std::set<Challenge> distinct(acme->challenges.begin(), acme->challenges.end());
    if (distinct.size() != acme->challenges.size()) {
      wrong(below(place, "challenges"), "a challenge is given twice");
    }
    if (acme->challenges == std::vector<Challenge>{Challenge::kHttp01} &&
        config_.listen.http.empty()) {
      wrong(below(place, "challenges"), "http-01 needs a listener in /listen/http");
    }
    const bool by_dns = distinct.contains(Challenge::kDns01);
    if (by_dns && !acme->dns && acme->challenges != AcmeIssuer().challenges) {
      wrong(below(place, "challenges"), "dns-01 needs somebody who sets TXT records: \"dns\"");
    }
    if (distinct.contains(Challenge::kDnsAccount01) && !acme->dns) {
      wrong(below(place, "challenges"),
            "dns-account-01 needs somebody who sets TXT records: \"dns\"");
    }
    if (acme->dns) check_dns(*acme->dns, below(place, "dns"));
    check_ca(*acme, place);
    if (acme->eab && (acme->eab->key_id.empty() || acme->eab->hmac_key.empty())) {
      wrong(below(place, "eab"), "expected both \"key_id\" and \"hmac_key\"");
    }
  }
}

void Checker::check_dns(const Dns& dns, const Path& at) {
  const auto check_url = [&](const std::string& url, const Path& place) {
    if (!is_http_url(url) || url.find('?') != std::string::npos) {
      wrong(below(place, "url"), "expected a URL such as \"https://dns.example.com/acme\"");
    }
  };
  if (const auto* command = std::get_if<DnsCommand>(&dns.provider)) {
    if (!command->program.starts_with('/') || command->program.ends_with('/')) {
      wrong(below(below(at, "command"), "program"), "expected an absolute path of a program");
    }
  }
  if (const auto* update = std::get_if<DnsUpdate>(&dns.provider)) {
    const auto place = below(at, "rfc2136");
    if (update->server.host.empty()) wrong(place, "expected the key \"server\"");
    if (!is_host_name(update->key_name)) {
      wrong(below(place, "key_name"), "expected the name of a TSIG key, such as \"gatehouse\"");
    }
    if (!is_base64(update->key)) {
      wrong(below(place, "key"), "expected a TSIG key in base64, as the server has it");
    }
  }
  if (const auto* webhook = std::get_if<DnsWebhook>(&dns.provider)) {
    check_url(webhook->url, below(at, "webhook"));
  }
  if (const auto* account = std::get_if<DnsAcmeDns>(&dns.provider)) {
    const auto place = below(at, "acme_dns");
    check_url(account->url, place);
    const std::size_t left_out =
        account->username.empty() + account->password.empty() + account->subdomain.empty();
    if (left_out != 0 && left_out != 3) {
      wrong(
          place,
          "expected \"username\", \"password\" and \"subdomain\", as /register gave them, or none "
          "of them: then an account is registered for each name");
    }
  }
}

void Checker::check_key_types() {
  const auto& types = config_.tls.key_type;
  if (types.empty() || types.size() > 2) {
    wrong({"tls", "key_type"}, "expected one type, or two: one of ECDSA and one of RSA");
  } else if (types.size() == 2 && is_rsa(types[0]) == is_rsa(types[1])) {
    wrong({"tls", "key_type"},
          std::string("both are of ") + (is_rsa(types[0]) ? "RSA" : "ECDSA") +
              ": a second certificate is for clients that cannot check the first, so expected one "
              "type of ECDSA (\"p256\", \"p384\") and one of RSA (\"rsa2048\", \"rsa4096\")");
  }
}

void Checker::check_ca(const AcmeIssuer& acme, const Path& place) {
  if (!acme.ca.empty() && acme.directory != AcmeIssuer().directory) {
    wrong(below(place, "ca"), "expected either \"ca\" or \"directory\"");
    return;
  }
  const KnownCa* ca = acme.ca.empty() ? find_known_ca_at(acme.directory) : find_known_ca(acme.ca);
  if (ca == nullptr) return;
  const std::string title(ca->title);
  if (ca->eab && !acme.eab) {
    wrong(place,
          "expected \"eab\", since " + title +
              " signs for customers' accounts alone: get its \"key_id\" and \"hmac_key\" from " +
              std::string(ca->get_eab));
  }
  if (ca->email && acme.email.empty()) {
    wrong(place, "expected \"email\", since " + title + " wants a contact");
  }
}

void Checker::check_listeners() {
  if (config_.listen.https.empty() && config_.listen.http.empty()) {
    wrong({"listen"}, "expected one listener at least");
  }
  std::set<std::string> seen;
  for (const auto* name : {"https", "http"}) {
    const auto& list =
        name == std::string_view("https") ? config_.listen.https : config_.listen.http;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto text = list[i].text();
      if (text != ":0" && !seen.insert(text).second) {
        wrong({"listen", name, std::to_string(i)}, "the address " + text + " is given twice");
      }
    }
  }
  const Admin& admin = config_.admin;
  if (admin.enabled && admin.written && seen.contains(admin.listen.text())) {
    wrong({"admin", "listen"}, "the address " + admin.listen.text() + " is a listener's already");
  }
}

}  // namespace

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 253 || base::is_ip_literal(name)) return false;
  for (std::size_t begin = 0; begin <= name.size();) {
    const auto dot = std::min(name.find('.', begin), name.size());
    if (!is_label(name.substr(begin, dot - begin))) return false;
    begin = dot + 1;
  }
  return true;
}

void check(const Config& config, const Node& root, std::vector<ConfigError>& errors) {
  Checker(config, root, errors).run();
}

}  // namespace gatehouse::config
