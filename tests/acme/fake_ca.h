// A CA that does what a test tells it to: RFC 8555 on plain HTTP over loopback, each answer
// replaceable. What it checks of requests: form, signature, algorithm, nonce, url and key of the
// JWS.
#pragma once

#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "acme/base64url.h"
#include "tests/acme/jws_check.h"
#include "tests/acme/script_server.h"

namespace gatehouse::acme {

// `Server` is a ScriptServer or a LoopServer.
template <class Server>
class FakeCaOn {
 public:
  using Json = nlohmann::json;
  // A reply instead of the CA's own; nothing lets it answer. Sees the JWS payload (null when
  // empty or not signed).
  using Intercept = std::function<std::optional<ScriptReply>(const ScriptRequest&, const Json&)>;
  // The error token with which validating `name` by `type` ends; empty when it is valid.
  using Decide = std::function<std::string(const std::string& type, const std::string& name)>;
  // What renewalInfo says of a certificate ID; where none is set, the directory has no renewalInfo.
  using Renewal = std::function<ScriptReply(const std::string& certificate_id)>;
  // A PEM chain for a request (DER) and the names of its order.
  using Sign = std::function<std::string(const std::string& csr, std::vector<std::string> names)>;

  template <class... Where>
  explicit FakeCaOn(Where&... where)
      : server_([this](const ScriptRequest& request) { return answer(request); }, where...) {}

  std::string url(std::string_view path) const { return server_.url(path); }
  std::string directory_url() const { return url("/dir"); }

  // Set before the first request.
  Intercept intercept;
  Decide decide;
  Sign sign;
  Sign alternate;  // another chain, where one is set
  Renewal renewal;
  Json meta = Json::object();
  bool lose_key_changes = false;  // they are made, but the answer is an error
  bool nonces_everywhere = true;  // else from /new-nonce alone
  int processing_looks = 0;       // how often an order is still "processing"
  int bad_nonces = 0;             // how many good nonces are refused
  std::vector<std::string> challenge_types{"dns-account-01", "http-01", "tls-alpn-01"};

  // The name that the request is about which `intercept` looks at; empty when it is about none.
  std::string about;

  // How many requests had a path that begins like this.
  int count(std::string_view prefix) {
    const std::lock_guard lock(mutex_);
    int n = 0;
    for (const ScriptRequest& request : requests_) n += request.path.starts_with(prefix) ? 1 : 0;
    return n;
  }
  std::vector<ScriptRequest> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  // What was asked of validators: "http-01 a.test".
  std::vector<std::string> validations() {
    const std::lock_guard lock(mutex_);
    return validations_;
  }
  // Forgets every account, as a CA does that lost its data.
  void forget_accounts() {
    const std::lock_guard lock(mutex_);
    accounts_.clear();
  }

  static ScriptReply problem(int status, const std::string& token, const std::string& detail = "") {
    const Json body = {{"type", "urn:ietf:params:acme:error:" + token}, {"detail", detail}};
    return ScriptReply(status, body.dump()).with("Content-Type", "application/problem+json");
  }
  static Json payload_of(const ScriptRequest& request) { return part_of(request, "payload"); }
  static Json header_of(const ScriptRequest& request) { return part_of(request, "protected"); }

 private:
  struct Authorization {
    std::string name;
    std::string status = "pending";
    std::string tried;  // the challenge type
    std::string error;  // its token
  };
  struct Order {
    std::vector<std::string> names;
    std::vector<std::size_t> authorizations;
    std::string status = "pending";
    int looks = 0;
    std::string chain;
    std::string alternate;
  };

  static Json part_of(const ScriptRequest& request, const char* part) {
    const Json jws = Json::parse(request.body, nullptr, false);
    if (!jws.is_object() || !jws.contains(part)) return nullptr;
    const auto text = decode_base64(jws[part].get<std::string>());
    if (!text || text->empty()) return nullptr;
    return Json::parse(*text, nullptr, false);
  }

  ScriptReply answer(const ScriptRequest& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    const Json payload = payload_of(request);
    std::optional<ScriptReply> reply;
    about = name_of(request.path, payload);
    if (intercept) reply = intercept(request, payload);
    if (!reply && request.method == "POST") reply = check(request);
    if (!reply) reply = route(request, payload);
    if (!nonces_everywhere && (request.path != "/new-nonce" || !reply->fields.empty())) {
      return std::move(*reply);
    }
    const std::string nonce = "nonce-" + std::to_string(++last_nonce_);
    nonces_.insert(nonce);
    return std::move(reply->with("Replay-Nonce", nonce));
  }

  std::string name_of(const std::string& path, const Json& payload) const {
    if (path == "/new-order" && payload.is_object()) {
      return payload["identifiers"][0].value("value", "");
    }
    const std::size_t id = id_in(path);
    if (path.starts_with("/authorization/") || path.starts_with("/challenge/")) {
      return id < authorizations_.size() ? authorizations_[id].name : "";
    }
    const bool of_order = path.starts_with("/order/") || path.starts_with("/finalize/") ||
                          path.starts_with("/certificate/");
    return of_order && id < orders_.size() ? orders_[id].names.front() : "";
  }
  static std::size_t id_in(const std::string& path) {
    return std::stoul("0" + path.substr(path.find_last_not_of("0123456789") + 1));
  }

  std::optional<ScriptReply> check(const ScriptRequest& request) {
    const auto type = request.fields.find("content-type");
    const Json jws = Json::parse(request.body, nullptr, false);
    if (auto wrong = wrong_form(type == request.fields.end() ? "" : type->second, jws)) {
      return problem(415, "malformed", *wrong);
    }
    const Json header = header_of(request);
    if (!header.is_object() || header.value("url", "") != url(request.path)) {
      return problem(401, "unauthorized", "url in the JWS");
    }
    if (header.value("alg", "") != "ES256") return problem(400, "badSignatureAlgorithm");
    const bool by_key = header.contains("jwk");
    if (by_key == header.contains("kid")) return problem(400, "malformed", "jwk xor kid");
    const bool either = request.path == "/revoke";
    if (!either && by_key != (request.path == "/new-account")) {
      return problem(400, "malformed", "jwk or kid");
    }
    if (!by_key && !accounts_.contains(header.value("kid", ""))) {
      return problem(400, "accountDoesNotExist", "who are you?");
    }
    if (!signed_by(jws, by_key ? header["jwk"] : key_of(header["kid"]))) {
      return problem(401, "unauthorized", "signature");
    }
    if (nonces_.erase(header.value("nonce", "")) == 0 || bad_nonces > 0) {
      if (bad_nonces > 0) --bad_nonces;
      return problem(400, "badNonce", "nonce");
    }
    return std::nullopt;
  }

  Json key_of(const std::string& account) const {
    for (const auto& [key, known] : keys_) {
      if (known == account) return Json::parse(key);
    }
    return Json::object();
  }

  ScriptReply route(const ScriptRequest& request, const Json& payload) {
    const std::string& path = request.path;
    if (path == "/dir") return directory();
    if (path == "/new-nonce") return ScriptReply(200);
    if (path.starts_with("/renewal/")) return renewal(path.substr(std::string("/renewal/").size()));
    if (path == "/new-account") return new_account(request, payload);
    if (path == "/key-change") return change_key(request, payload);
    if (path == "/revoke") return revoke(payload);
    if (path.starts_with("/account/")) return ScriptReply(200, R"({"status":"valid"})");
    if (path == "/new-order") return new_order(payload);
    const std::size_t id = id_in(path);
    if (path.starts_with("/order/")) return look(id);
    if (path.starts_with("/authorization/")) return ScriptReply(200, show_authorization(id));
    if (path.starts_with("/challenge/")) return validate(path, id);
    if (path.starts_with("/finalize/")) return finalize(id, payload);
    if (path.starts_with("/certificate/")) {
      ScriptReply chain(200, orders_.at(id).chain);
      if (alternate) chain.with("Link", "</alternate/" + std::to_string(id) + ">;rel=alternate");
      return chain;
    }
    if (path.starts_with("/alternate/")) return ScriptReply(200, orders_.at(id).alternate);
    return problem(404, "malformed", "no such resource");
  }

  ScriptReply directory() {
    Json body = {{"newNonce", url("/new-nonce")},   {"newAccount", url("/new-account")},
                 {"newOrder", url("/new-order")},   {"revokeCert", url("/revoke")},
                 {"keyChange", url("/key-change")}, {"meta", meta}};
    if (renewal) body["renewalInfo"] = url("/renewal");
    return ScriptReply(200, body.dump());
  }

  ScriptReply new_account(const ScriptRequest& request, const Json& payload) {
    const std::string key = header_of(request)["jwk"].dump();
    const bool known = keys_.contains(key);
    if (!known && payload.value("onlyReturnExisting", false)) {
      return problem(400, "accountDoesNotExist", "no such key");
    }
    if (!known) keys_[key] = url("/account/" + std::to_string(keys_.size()));
    accounts_.insert(keys_[key]);
    return ScriptReply(known ? 200 : 201, R"({"status":"valid"})").with("Location", keys_[key]);
  }

  ScriptReply change_key(const ScriptRequest& request, const Json& inner) {
    const std::string account = header_of(request)["kid"];
    std::erase_if(keys_, [&](const auto& entry) { return entry.second == account; });
    const Json header = Json::parse(*decode_base64(inner["protected"].get<std::string>()));
    keys_[header["jwk"].dump()] = account;
    if (lose_key_changes) return problem(500, "serverInternal", "after the fact");
    return ScriptReply(200, "{}");
  }

  ScriptReply revoke(const Json& payload) {
    const bool first = revoked_.insert(payload.value("certificate", "")).second;
    return first ? ScriptReply(200, "") : problem(400, "alreadyRevoked", "again");
  }

  ScriptReply new_order(const Json& payload) {
    Order order;
    for (const Json& identifier : payload["identifiers"]) {
      order.names.push_back(identifier["value"]);
      order.authorizations.push_back(authorizations_.size());
      authorizations_.push_back(Authorization{order.names.back(), "pending", "", ""});
    }
    orders_.push_back(order);
    return ScriptReply(201, show_order(orders_.size() - 1))
        .with("Location", url("/order/" + std::to_string(orders_.size() - 1)));
  }

  ScriptReply look(std::size_t id) {
    Order& order = orders_.at(id);
    if (order.status == "processing" && ++order.looks > processing_looks) order.status = "valid";
    return ScriptReply(200, show_order(id));
  }

  std::string show_order(std::size_t id) {
    Order& order = orders_.at(id);
    bool all = true;
    Json urls = Json::array();
    for (const std::size_t authorization : order.authorizations) {
      urls.push_back(url("/authorization/" + std::to_string(authorization)));
      const std::string& status = authorizations_.at(authorization).status;
      all = all && status == "valid";
      if (status == "invalid") order.status = "invalid";
    }
    if (order.status == "pending" && all) order.status = "ready";
    Json body = {{"status", order.status},
                 {"authorizations", urls},
                 {"finalize", url("/finalize/" + std::to_string(id))}};
    if (order.status == "valid") body["certificate"] = url("/certificate/" + std::to_string(id));
    return body.dump();
  }

  std::string show_authorization(std::size_t id) {
    const Authorization& authorization = authorizations_.at(id);
    Json body = {{"status", authorization.status},
                 {"identifier", {{"type", "dns"}, {"value", authorization.name}}},
                 {"challenges", Json::array()}};
    for (const std::string& type : challenge_types) {
      Json challenge = {{"type", type},
                        {"url", url("/challenge/" + type + "/" + std::to_string(id))},
                        {"status", "pending"},
                        {"token", token(type, id)}};
      if (type == "dns-persist-01") {
        challenge.erase("token");
        challenge["issuer-domain-names"] = {"ca.example"};
      }
      if (type == authorization.tried && !authorization.error.empty()) {
        challenge["status"] = "invalid";
        challenge["error"] = {{"type", "urn:ietf:params:acme:error:" + authorization.error},
                              {"detail", "scripted"}};
      }
      body["challenges"].push_back(challenge);
    }
    return body.dump();
  }

  static std::string token(const std::string& type, std::size_t id) {
    return base64url("a token for " + type + " number " + std::to_string(id));
  }

  ScriptReply validate(const std::string& path, std::size_t id) {
    Authorization& authorization = authorizations_.at(id);
    const std::size_t from = path.find('/', 1) + 1;
    authorization.tried = path.substr(from, path.rfind('/') - from);
    validations_.push_back(authorization.tried + " " + authorization.name);
    authorization.error = decide ? decide(authorization.tried, authorization.name) : "";
    authorization.status = authorization.error.empty() ? "valid" : "invalid";
    return ScriptReply(200, R"({"status":"processing"})");
  }

  ScriptReply finalize(std::size_t id, const Json& payload) {
    show_order(id);
    Order& order = orders_.at(id);
    if (order.status != "ready") return problem(403, "orderNotReady", order.status);
    order.chain = sign ? sign(*decode_base64(payload.value("csr", "")), order.names) : "";
    if (alternate)
      order.alternate = alternate(*decode_base64(payload.value("csr", "")), order.names);
    order.status = "processing";
    return ScriptReply(200, show_order(id));
  }

  std::mutex mutex_;  // guards what follows
  std::vector<ScriptRequest> requests_;
  std::vector<std::string> validations_;
  std::set<std::string> nonces_;
  std::map<std::string, std::string> keys_;  // jwk to account URL
  std::set<std::string> accounts_;
  std::set<std::string> revoked_;  // certificates in base64url
  std::vector<Order> orders_;
  std::vector<Authorization> authorizations_;
  int last_nonce_ = 0;
  Server server_;  // last: its threads use what stands before
};

using FakeCa = FakeCaOn<ScriptServer>;

}  // namespace gatehouse::acme
