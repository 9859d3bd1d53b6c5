// What the configuration file can say, decoded and checked (docs/configuration.md). Plain values;
// immutable after loading. Strings have their ${NAME} replaced.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ip_range.h"
#include "config/dns.h"
#include "config/hooks.h"
#include "config/limits.h"

namespace gatehouse::config {

// Where something listens: "host:port", ":port" (every address), "[::1]:port" or "unix:/path".
struct Address {
  std::string host;  // an IP address without brackets; empty: every address
  std::uint16_t port = 0;
  std::string unix_path;  // set: a Unix socket instead

  std::string text() const;  // as it would be written
};

struct Listen {
  std::vector<Address> https;
  std::vector<Address> http;
  // Peers that must send a PROXY header first. A peer on a Unix socket counts as 127.0.0.1.
  std::vector<base::IpRange> proxy_protocol;
};

struct CertificateFiles {
  std::string file;  // PEM chain, leaf first
  std::string key;   // PEM private key

  bool operator==(const CertificateFiles&) const = default;
};

// One server that requests are forwarded to: "http://host[:port]", "https://…", "h2c://…" (HTTP/2
// without TLS, by prior knowledge) or "unix:/path" (HTTP/1.1).
struct UpstreamServer {
  enum class Scheme : std::uint8_t { kHttp, kHttps, kH2c };
  Scheme scheme = Scheme::kHttp;
  std::string host;  // a name or an IP address without brackets
  std::uint16_t port = 80;
  std::string unix_path;  // set: a Unix socket instead
};

// How https servers of a group are believed.
struct UpstreamTls {
  std::string ca_file;      // PEM roots; empty: the system's
  std::string server_name;  // SNI, and the name in the certificate; empty: the URL's host
  std::optional<CertificateFiles> client_certificate;
  bool insecure = false;  // any certificate is taken

  bool operator==(const UpstreamTls&) const = default;
};

// Idle connections that are kept, for each server and worker.
struct Keepalive {
  std::uint32_t connections = 128;  // 0: none
  base::Duration idle{60'000};      // 0: as long as the server keeps them
};

// A group of servers, as it stands in a route or under its name in `upstreams`.
struct Proxy {
  std::vector<UpstreamServer> servers;  // one at least, once loaded
  UpstreamTls tls;
  std::uint8_t proxy_protocol = 0;  // version of the PROXY header that servers get; 0: none
  Keepalive keepalive;
  std::string group;  // named instead; its keys are copied here at the end of loading
};

struct Respond {
  std::uint16_t status = 200;
  std::string body;
  std::map<std::string, std::string> headers;
};

struct Redirect {
  std::string to;  // with placeholders
  std::uint16_t status = 308;
};

using Action = std::variant<std::monostate, Proxy, Respond, Redirect>;

struct Match {
  std::vector<std::string> path;  // any of: "/exact", "/prefix/*", "*.ext"; empty: every path
};

struct Route {
  Match match;
  Action action;
};

enum class Challenge : std::uint8_t { kTlsAlpn01, kHttp01, kDns01, kDnsAccount01, kDnsPersist01 };
enum class KeyType : std::uint8_t { kP256, kP384, kRsa2048, kRsa4096 };
inline bool is_rsa(KeyType type) { return type == KeyType::kRsa2048 || type == KeyType::kRsa4096; }

// RFC 8555 7.3.4.
struct ExternalAccount {
  enum class Algorithm : std::uint8_t { kHs256, kHs384, kHs512 };  // RFC 7518 3.2
  std::string key_id;
  std::string hmac_key;  // base64url as the CA gives it. Secret.
  Algorithm algorithm = Algorithm::kHs256;

  bool operator==(const ExternalAccount&) const = default;
};

// A kind of certificate that a CA offers (draft-ietf-acme-profiles).
struct Profile {
  std::string name;      // empty: the CA chooses
  bool required = true;  // else: without it where the CA does not have it

  bool operator==(const Profile&) const = default;
};

struct AcmeIssuer {
  std::string ca;  // its name in known_cas(): then `directory` is that one's, once loaded
  std::string directory = "https://acme-v02.api.letsencrypt.org/directory";
  std::string email;                  // contact; may be empty
  base::Duration account_key_age{0};  // a new key for the account when it is older; 0: never
  std::string ca_file;  // PEM roots that the CA's own HTTPS is checked with; empty: the system's
  // In order; dns-01 only where there is `dns`. Wildcards go by those of DNS, dns-01 among them.
  std::vector<Challenge> challenges{Challenge::kTlsAlpn01, Challenge::kHttp01, Challenge::kDns01};
  std::optional<Dns> dns;
  std::optional<ExternalAccount> eab;
  Profile profile;
  bool preflight = true;        // DNS is asked first whether an order may succeed
  std::string preferred_chain;  // a root's common name, or "smallest"; empty: the CA chooses
};

struct InternalIssuer {};

using Issuer = std::variant<AcmeIssuer, InternalIssuer>;

// The internal CA does; an ACME CA wants to be shown them in DNS (RFC 8555 7.1.4, 8.4).
bool signs_wildcards(const Issuer& issuer);

struct OnDemand {
  std::string ask;                 // http(s) URL; empty: nobody is asked
  std::vector<std::string> allow;  // name patterns: "a.example", "*.a.example" (any depth)
  base::Duration timeout{20'000};  // how long one handshake waits
};

// When certificates are renewed.
struct Renewal {
  bool ari = true;                       // CAs are asked when (RFC 9773)
  std::optional<unsigned> left_percent;  // of the life; unset: a third, half of a short one
  // What an issuer signed that is named no more is replaced at once, rather than when it is due.
  bool replace_former = true;
  bool reuse_key = false;  // a renewal keeps the certificate's key
};

struct Tls {
  std::vector<Issuer> issuers;  // empty: the default rule, see uses_internal_issuer
  OnDemand on_demand;
  std::vector<KeyType> key_type{KeyType::kP256};  // one, or two of different algorithms
  bool allow_tls12 = true;                        // min_version "1.2"
  Renewal renewal;
  bool ocsp_stapling = true;  // where a certificate names a responder
};

// What a site's clients must show of themselves (mutual TLS).
struct ClientAuth {
  enum class Mode : std::uint8_t { kRequire, kRequest };
  std::string ca_file;         // PEM roots
  Mode mode = Mode::kRequire;  // request: who shows nothing is served too

  auto operator<=>(const ClientAuth&) const = default;
};

struct SiteTls {
  bool enabled = true;  // "tls": false turns it off: plain only, never redirected
  bool on_demand = false;
  bool one_certificate = false;               // for all hosts of the site, rather than one each
  std::vector<CertificateFiles> certificate;  // none; one; or one with each kind of key
  std::vector<Issuer> issuers;                // empty: those of `tls`
  std::optional<ClientAuth> client_auth;
};

struct Site {
  std::vector<std::string> hosts;  // see to_host(): "a.example", "*.a.example", "*", an IP address
  SiteTls tls;
  std::vector<Route> routes;  // the shorthand action is a route that matches everything
};

struct Storage {
  std::string path;  // empty: default_data_folder()
};

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };
enum class LogFormat : std::uint8_t { kAuto, kText, kJson };  // auto: text on a terminal

struct AccessLog {
  bool enabled = false;
  std::string file;  // empty: standard output
};

struct Log {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kAuto;
  AccessLog access;
};

// Where who has access to storage tells the running process what to do (docs/admin.md).
struct Admin {
  bool enabled = true;
  bool written = false;  // the address; else it is done without where the default one is taken
  Address listen{"127.0.0.1", 2019, {}};
};

struct Config {
  std::vector<Site> sites;
  std::map<std::string, Proxy> upstreams;  // groups by name
  Listen listen;
  std::uint32_t workers = 0;  // 0: as many as CPUs that this process may use
  Tls tls;
  Storage storage;
  // Peers whose forwarding fields are believed. A Unix socket counts as 127.0.0.1 here too.
  std::vector<base::IpRange> trusted_proxies;
  // Names with "_" or "." that pass, in lower case; others with such are dropped from requests.
  std::vector<std::string> allowed_fields;
  Limits limits;
  Timeouts timeouts;
  Admin admin;
  std::vector<Hook> hooks;  // told of what happens to certificates
  Log log;
};

// Whether the default rule gives `name` a certificate of the internal CA, because no public CA
// would: localhost, *.localhost, *.internal, *.test, *.local, private IP addresses, single labels.
bool uses_internal_issuer(std::string_view name);

// $GATEHOUSE_DATA, else /var/lib/gatehouse where it can be written or made, else
// $XDG_DATA_HOME/gatehouse, else ~/.local/share/gatehouse.
std::string default_data_folder();

}  // namespace gatehouse::config
