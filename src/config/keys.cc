#include "config/keys.h"

#include "config/admin_keys.h"
#include "config/dns_keys.h"
#include "config/hook_keys.h"
#include "config/host_name.h"
#include "config/tls_keys.h"
#include "config/upstream_keys.h"

namespace gatehouse::config {

namespace {

using codec::field;
using codec::Flag;
using codec::List;
using codec::Optional;
using codec::Secret;
using codec::Text;
template <class T>
using Table = std::vector<Field<T>>;
using Count = codec::Number<std::uint64_t, 0, 1'000'000'000>;

struct CountPerClient {
  using Value = PerClient;
  static bool read(Decoder& d, const Node& node, PerClient& out) {
    out.written = true;
    return Count::read(d, node, out.most);
  }
  static Schema schema() { return Count::schema(); }
};

template <class T>
const Table<T>& table();

template <class T>
using Object = codec::ObjectOf<T, table<T>>;

constexpr std::pair<std::string_view, ClientAuth::Mode> kClientAuthModes[] = {
    {"require", ClientAuth::Mode::kRequire}, {"request", ClientAuth::Mode::kRequest}};
constexpr std::pair<std::string_view, LogLevel> kLevels[] = {{"debug", LogLevel::kDebug},
                                                             {"info", LogLevel::kInfo},
                                                             {"warn", LogLevel::kWarn},
                                                             {"error", LogLevel::kError}};
constexpr std::pair<std::string_view, LogFormat> kFormats[] = {{"text", LogFormat::kText},
                                                               {"json", LogFormat::kJson}};

// --- actions, which a route has, and a site as a shorthand ---

using Status = codec::Number<std::uint16_t, 200, 599>;
using RedirectStatus = codec::Number<std::uint16_t, 301, 308>;

template <>
const Table<Respond>& table<Respond>() {
  static const Table<Respond> fields = {
      field<&Respond::status, Status>("status", "status code"),
      field<&Respond::body, Text>("body", "the body"),
      field<&Respond::headers, codec::Texts>("headers", "fields of the response"),
  };
  return fields;
}

template <>
const Table<Redirect>& table<Redirect>() {
  static const Table<Redirect> fields = {
      field<&Redirect::to, Text>("to", "where to; may hold {host}, {uri}, {path}, {query}, …"),
      field<&Redirect::status, RedirectStatus>("status", "301, 302, 303, 307 or 308"),
  };
  return fields;
}

// A redirect is an object, or only where it leads.
struct RedirectOrText {
  using Value = Redirect;
  static bool read(Decoder& d, const Node& node, Redirect& out) {
    if (node.kind == Node::Kind::kString) return d.string(node, out.to);
    return Object<Redirect>::read(d, node, out);
  }
  static Schema schema() {
    auto object = Object<Redirect>::schema();
    object["required"] = Schema::array({"to"});
    return {{"oneOf", Schema::array({Text::schema(), object})}};
  }
};

// Reads an action with C into a variant that `action_of` finds in T; a second one is an error.
template <class T, class C>
void read_action(Decoder& d, const Node& node, T& out) {
  auto& action = out.action;
  if (action.index() != 0) d.wrong(node, "a second action: expected exactly one a route");
  typename C::Value value{};
  (void)C::read(d, node, value);
  action = std::move(value);
}

template <class T>
void add_actions(Table<T>& fields) {
  fields.push_back({"proxy", "forward to one of these servers", &read_action<T, ProxyAction>,
                    &ProxyAction::schema});
  fields.push_back({"respond", "answer with a fixed response", &read_action<T, Object<Respond>>,
                    &Object<Respond>::schema});
  fields.push_back({"redirect", "send the client elsewhere", &read_action<T, RedirectOrText>,
                    &RedirectOrText::schema});
}

template <>
const Table<Match>& table<Match>() {
  static const Table<Match> fields = {
      field<&Match::path, List<Text, true>>("path", "\"/exact\", \"/prefix/*\" or \"*.ext\""),
  };
  return fields;
}

template <>
const Table<Route>& table<Route>() {
  static const Table<Route> fields = [] {
    Table<Route> made = {field<&Route::match, Object<Match>>("match", "what a request must be")};
    add_actions(made);
    return made;
  }();
  return fields;
}

struct RouteObject : Object<Route> {
  static Schema schema() {
    return codec::with_one_of(Object<Route>::schema(), {"proxy", "respond", "redirect"});
  }
};

// --- sites ---

template <>
const Table<ClientAuth>& table<ClientAuth>() {
  static const Table<ClientAuth> fields = {
      field<&ClientAuth::ca_file, Text>("ca_file", "PEM roots of clients' certificates"),
      field<&ClientAuth::mode, codec::Word<kClientAuthModes>>("mode", "whether each must have one"),
  };
  return fields;
}

struct ClientAuthObject : Object<ClientAuth> {
  static Schema schema() {
    auto schema = Object<ClientAuth>::schema();
    schema["required"] = Schema::array({"ca_file"});
    return schema;
  }
};

template <>
const Table<SiteTls>& table<SiteTls>() {
  static const Table<SiteTls> fields = {
      field<&SiteTls::on_demand, Flag>("on_demand", "certificates at the first handshake"),
      field<&SiteTls::one_certificate, Flag>("one_certificate", "one for all hosts of the site"),
      field<&SiteTls::certificate, codec::List<CertificateFilesObject, true>>(
          "certificate", "from files; or one with an ECDSA and one with an RSA key"),
      field<&SiteTls::issuers, List<IssuerObject>>("issuers", "instead of tls.issuers"),
      field<&SiteTls::client_auth, codec::Optional<ClientAuthObject>>("client_auth",
                                                                      "clients' certificates"),
  };
  return fields;
}

struct SiteTlsOrFalse {
  using Value = SiteTls;
  static bool read(Decoder& d, const Node& node, SiteTls& out) {
    if (node.kind == Node::Kind::kBool && !node.boolean) {
      out.enabled = false;
      return true;
    }
    if (node.kind != Node::Kind::kObject) return d.expected(node, "an object or false");
    return Object<SiteTls>::read(d, node, out);
  }
  static Schema schema() {
    return {{"oneOf", Schema::array({Object<SiteTls>::schema(), {{"const", false}}})}};
  }
};

// A site while it is read: a shorthand action becomes its only route.
struct SiteDraft {
  Site site;
  Action action;
};

void read_hosts(Decoder& d, const Node& node, SiteDraft& out) {
  (void)List<HostName>::read(d, node, out.site.hosts);
}
void read_site_tls(Decoder& d, const Node& node, SiteDraft& out) {
  (void)SiteTlsOrFalse::read(d, node, out.site.tls);
}
void read_routes(Decoder& d, const Node& node, SiteDraft& out) {
  if (!List<RouteObject>::read(d, node, out.site.routes)) return;
  for (std::size_t i = 0; i < out.site.routes.size(); ++i) {
    Decoder::At at(d, i);
    if (out.site.routes[i].action.index() == 0) {
      d.wrong(node.items[i], "expected an action: proxy, respond or redirect");
    }
  }
}

template <>
const Table<SiteDraft>& table<SiteDraft>() {
  static const Table<SiteDraft> fields = [] {
    Table<SiteDraft> made = {
        {"hosts", "names: \"a.example\", \"*.a.example\", \"*\"", &read_hosts,
         &List<HostName>::schema},
        {"tls", "certificates of this site; false: plain only", &read_site_tls,
         &SiteTlsOrFalse::schema},
        {"routes", "the first that matches is taken", &read_routes, &List<RouteObject>::schema},
    };
    add_actions(made);
    return made;
  }();
  return fields;
}

struct SiteObject {
  using Value = Site;
  static bool read(Decoder& d, const Node& node, Site& out) {
    SiteDraft draft;
    if (!Object<SiteDraft>::read(d, node, draft)) return false;
    if (node.find("hosts") == nullptr) d.wrong(node, "expected the key \"hosts\"");
    const bool has_routes = node.find("routes") != nullptr;
    if (has_routes == (draft.action.index() != 0)) {
      d.wrong(node, "expected either \"routes\" or exactly one of proxy, respond, redirect");
    }
    out = std::move(draft.site);
    if (draft.action.index() != 0) out.routes.push_back({Match(), std::move(draft.action)});
    return true;
  }
  static Schema schema() {
    auto schema = Object<SiteDraft>::schema();
    schema["required"] = Schema::array({"hosts"});
    return codec::with_one_of(std::move(schema), {"routes", "proxy", "respond", "redirect"});
  }
};

// --- the rest ---

template <>
const Table<Listen>& table<Listen>() {
  static const Table<Listen> fields = {
      field<&Listen::https, List<codec::ListenAddress>>("https", "TLS listeners"),
      field<&Listen::http, List<codec::ListenAddress>>("http", "plain listeners"),
      field<&Listen::proxy_protocol, List<codec::IpRange>>("proxy_protocol",
                                                           "peers that send a PROXY header"),
  };
  return fields;
}

struct FileStorageOptions {
  std::string path;
};
template <>
const Table<FileStorageOptions>& table<FileStorageOptions>() {
  static const Table<FileStorageOptions> fields = {
      field<&FileStorageOptions::path, Text>("path", "the folder"),
  };
  return fields;
}
template <>
const Table<Storage>& table<Storage>() {
  static const Table<Storage> fields = {
      {"file", "in files under one folder",
       [](Decoder& d, const Node& node, Storage& out) {
         FileStorageOptions options;
         (void)Object<FileStorageOptions>::read(d, node, options);
         out.path = std::move(options.path);
       },
       &Object<FileStorageOptions>::schema},
  };
  return fields;
}

template <>
const Table<Limits>& table<Limits>() {
  static const Table<Limits> fields = {
      field<&Limits::head_bytes, codec::Size>("head_bytes", "of a request's head"),
      field<&Limits::fields, Count>("fields", "of a head"),
      field<&Limits::body_bytes, codec::Size>("body_bytes", "of a request's body"),
      field<&Limits::least_rate, codec::Size>("least_rate", "a second, of a body and its reader"),
      field<&Limits::streams, Count>("streams", "requests at once on an HTTP/2 connection"),
      field<&Limits::stream_resets, Count>("stream_resets", "at once, ten a second after that"),
      field<&Limits::settings_frames, Count>("settings_frames", "in ten seconds"),
      field<&Limits::ping_frames, Count>("ping_frames", "in ten seconds"),
      field<&Limits::priority_frames, Count>("priority_frames", "in ten seconds"),
      field<&Limits::empty_frames, Count>("empty_frames", "in ten seconds"),
      field<&Limits::window_update_frames, Count>("window_update_frames", "in ten seconds"),
      field<&Limits::connections, Count>("connections", "at once"),
      field<&Limits::connections_per_client, CountPerClient>("connections_per_client", "at once"),
      field<&Limits::memory, Optional<codec::Size>>("memory", "of the whole process"),
      field<&Limits::handshakes, Count>("handshakes", "under way at once"),
      field<&Limits::handshakes_per_client, CountPerClient>("handshakes_per_client", "at once"),
      field<&Limits::handshakes_per_second, CountPerClient>("handshakes_per_second",
                                                            "that one client begins"),
      field<&Limits::waiting_handshakes, Count>("waiting_handshakes",
                                                "that wait for a certificate at once"),
      field<&Limits::orders, Count>("orders", "at CAs under way at once"),
      field<&Limits::new_names_per_minute, Count>("new_names_per_minute",
                                                  "never seen before, on demand"),
  };
  return fields;
}

template <>
const Table<Timeouts>& table<Timeouts>() {
  using codec::Duration;
  static const Table<Timeouts> fields = {
      field<&Timeouts::handshake, Duration>("handshake", "of a TLS handshake"),
      field<&Timeouts::request_head, Duration>("request_head", "first byte to whole head"),
      field<&Timeouts::body_idle, Duration>("body_idle", "between two pieces of a body"),
      field<&Timeouts::idle, Duration>("idle", "of a connection between requests"),
      field<&Timeouts::upstream_connect, Duration>("upstream_connect", "to reach an upstream"),
      field<&Timeouts::upstream_response, Duration>("upstream_response", "for its head"),
      field<&Timeouts::stream_idle, Duration>("stream_idle",
                                              "silence in tunnels, event streams, gRPC"),
      field<&Timeouts::drain, Duration>("drain", "after SIGTERM"),
  };
  return fields;
}

// true, false, or {"file": PATH}.
struct Access {
  using Value = AccessLog;
  static bool read(Decoder& d, const Node& node, AccessLog& out) {
    if (node.kind == Node::Kind::kBool) return Flag::read(d, node, out.enabled);
    const auto* file = node.find("file");
    if (file == nullptr || node.members.size() != 1) {
      return d.expected(node, "true, false or {\"file\": PATH}");
    }
    out.enabled = true;
    Decoder::At at(d, "file");
    return d.string(*file, out.file);
  }
  static Schema schema() {
    const Schema in_file = {{"type", "object"},
                            {"properties", {{"file", {{"type", "string"}}}}},
                            {"required", Schema::array({"file"})},
                            {"additionalProperties", false}};
    return {{"oneOf", Schema::array({Flag::schema(), in_file})}};
  }
};

template <>
const Table<Log>& table<Log>() {
  static const Table<Log> fields = {
      field<&Log::level, codec::Word<kLevels>>("level", "the least that is written"),
      field<&Log::format, codec::Word<kFormats>>("format", "for people or for machines"),
      field<&Log::access, Access>("access", "a line a request"),
  };
  return fields;
}

template <>
const Table<Config>& table<Config>() {
  using Workers = codec::Number<std::uint32_t, 1, 1024>;
  static const Table<Config> fields = {
      field<&Config::sites, List<SiteObject>>("sites", "hosts, and what happens to requests"),
      field<&Config::upstreams, UpstreamGroups>("upstreams", "groups of servers, by name"),
      field<&Config::listen, Object<Listen>>("listen", "addresses of the listeners"),
      field<&Config::workers, Workers>("workers", "worker threads"),
      field<&Config::tls, TlsObject>("tls", "certificates"),
      field<&Config::storage, Object<Storage>>("storage", "accounts, keys and certificates"),
      field<&Config::trusted_proxies, List<codec::IpRange>>("trusted_proxies",
                                                            "peers that may name the client"),
      field<&Config::allowed_fields, List<codec::OddFieldName>>("allowed_fields",
                                                                "names with _ or . that pass"),
      field<&Config::limits, Object<Limits>>("limits", "bounds; 0 turns one off"),
      field<&Config::timeouts, Object<Timeouts>>("timeouts", "bounds in time; 0 turns one off"),
      field<&Config::admin, AdminOrFalse>("admin", "where it is told what to do"),
      field<&Config::hooks, HookList>("hooks", "who is told what happens to certificates"),
      field<&Config::log, Object<Log>>("log", "what the process writes"),
  };
  return fields;
}

}  // namespace

void read_config(Decoder& decoder, const Node& root, Config& out) {
  if (!Object<Config>::read(decoder, root, out)) return;
  const auto* sites = root.find("sites");
  if (sites == nullptr) {
    decoder.wrong(root, "expected the key \"sites\"");
  } else if (sites->kind == Node::Kind::kList && sites->items.empty()) {
    Decoder::At at(decoder, "sites");
    decoder.wrong(*sites, "expected one site at least");
  }
}

Schema config_schema() {
  auto schema = Object<Config>::schema();
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "gatehouse";
  schema["required"] = Schema::array({"sites"});
  return schema;
}

}  // namespace gatehouse::config
