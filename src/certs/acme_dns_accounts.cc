#include "certs/acme_dns_accounts.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "certs/document.h"
#include "certs/issuer_id.h"
#include "config/check.h"
#include "http/ascii.h"

namespace gatehouse::certs {

namespace {

using base::Code;
using base::Retry;
using base::Side;

// What goes into a field of a request, or is shown to people.
bool is_word(std::string_view text) {
  const auto visible = [](unsigned char c) { return c > ' ' && c < 0x7f; };
  return !text.empty() && text.size() <= AcmeDnsAccounts::kLongestWord &&
         std::ranges::all_of(text, visible);
}

// Of a record of ours, or of an answer to /register. Error: kDamaged.
base::Result<AcmeDnsAccount> account_in(const Json& object) {
  AcmeDnsAccount account;
  const std::pair<const char*, std::string*> members[] = {{"username", &account.username},
                                                          {"password", &account.password},
                                                          {"subdomain", &account.subdomain},
                                                          {"fulldomain", &account.fulldomain}};
  for (const auto& [key, member] : members) {
    auto text = text_in(object, key);
    if (!text) return base::fail(std::move(text.error()));
    if (!is_word(*text)) return damaged("its '" + std::string(key) + "' cannot be one");
    *member = std::move(*text);
  }
  std::string& full = account.fulldomain;
  std::ranges::transform(full, full.begin(), http::lower);
  if (full.ends_with('.')) full.pop_back();
  if (!config::is_host_name(full)) return damaged("its 'fulldomain' is no name in DNS");
  return account;
}

std::string record_of(const AcmeDnsAccount& account, const std::string& server) {
  Json object = new_document();
  object["server"] = server;  // for who looks into storage
  object["username"] = account.username;
  object["password"] = account.password;
  object["subdomain"] = account.subdomain;
  object["fulldomain"] = account.fulldomain;
  return text_of(object);
}

}  // namespace

AcmeDnsAccounts::AcmeDnsAccounts(storage::Storage& storage, std::string url)
    : storage_(storage), url_(std::move(url)) {}

base::Task<base::Result<AcmeDnsAccount>> AcmeDnsAccounts::of(std::string name, JsonApi& api,
                                                             base::Deadline deadline) {
  const std::string key = std::string(kFolder) + "/" + issuer_id_of(url_) + "/" + name;
  auto known = co_await load(key);
  if (known || known.error().code != Code::kNotFound) co_return known;
  const base::Deadline end = deadline.min(base::Deadline::in(kTime));
  const auto lease = co_await storage_.lease(key, end);
  if (!lease) {
    co_return base::fail(lease.error().code, lease.error().side, Retry::kYes,
                         "whether another process registers an account for " + name + " at " +
                             url_ + " cannot be told: " + lease.error().detail);
  }
  known = co_await load(key);
  if (known || known.error().code != Code::kNotFound) co_return known;
  auto made = co_await register_for(name, api, end);
  if (!made) co_return made;
  auto stored = co_await storage_.store(key, record_of(*made, url_));
  if (!stored) {
    // Its CNAME must not be asked for: the next try makes another one.
    co_return base::fail(
        stored.error().code, Side::kStorage, Retry::kYes,
        "an account for " + name + " was registered at " + url_ +
            ", but it is not used since it cannot be stored: " + stored.error().detail);
  }
  base::log::info("registered an account at a server of acme-dns",
                  {{"name", name}, {"server", url_}, {"cname", made->fulldomain}});
  co_return made;
}

// kNotFound also for a damaged one, which is set aside.
base::Task<base::Result<AcmeDnsAccount>> AcmeDnsAccounts::load(std::string key) {
  const auto text = co_await storage_.load(key);
  base::Result<AcmeDnsAccount> account;
  if (text) {
    const auto object = parse_document(*text);
    account = object ? account_in(*object) : base::fail(base::Error(object.error()));
  } else {
    account = base::fail(base::Error(text.error()));
  }
  if (account || account.error().code != Code::kDamaged) co_return account;
  const auto where = co_await storage_.set_aside(key);
  base::log::error(
      "the record of an account at a server of acme-dns is damaged; it is kept aside and another "
      "account registered",
      {{"record", key},
       {"error", account.error().detail},
       {"kept", where ? *where : where.error().detail}});
  co_return base::fail(Code::kNotFound, Side::kStorage, "it was damaged");
}

base::Task<base::Result<AcmeDnsAccount>> AcmeDnsAccounts::register_for(std::string name,
                                                                       JsonApi& api,
                                                                       base::Deadline deadline) {
  std::string url = url_;
  url += url.ends_with('/') ? "register" : "/register";
  http::Fields none;
  const auto answer = co_await api.post(url, std::move(none), "{}", deadline);
  const std::string what = "no account for " + name + ": ";
  const std::string advice =
      "; where the server takes no registrations, have an account made for you and set "
      "\"username\", \"password\" and \"subdomain\" of acme_dns";
  if (!answer) {
    co_return base::fail(answer.error().code, answer.error().side, Retry::kYes,
                         what + answer.error().detail + advice);
  }
  const auto object = Json::parse(*answer, nullptr, false);
  auto account = object.is_object() ? account_in(object) : damaged("it is no object of JSON");
  if (account) co_return account;
  co_return base::fail(
      Code::kMalformed, Side::kUpstream, Retry::kYes,
      what + url + " gave none that can be used, " + account.error().detail + advice);
}

}  // namespace gatehouse::certs
