#include "proxy/admin_routes.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "proxy/admin_json.h"
#include "proxy/given_name.h"

namespace gatehouse::proxy {

namespace {

constexpr std::string_view kCertificatesPath = "/certificates";

// The value of a key in a query, as it stands: names and numbers need no percent.
std::string_view query_value(std::string_view query, std::string_view key) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    if (pair.starts_with(key) && pair.substr(key.size()).starts_with('=')) {
      return pair.substr(key.size() + 1);
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return {};
}

std::uint16_t status_for(base::Code code) {
  switch (code) {
    case base::Code::kNotFound: return 404;
    case base::Code::kDenied: return 409;
    case base::Code::kTooLarge: return 413;
    case base::Code::kOverload:
    case base::Code::kCancelled: return 503;
    default: return 500;
  }
}

template <class T>
AdminAnswer answer_with(const base::Result<T>& result) {
  if (!result) return admin_error(status_for(result.error().code), result.error().detail);
  AdminAnswer answer;
  answer.body = text_of(to_json(*result));
  return answer;
}

AdminAnswer not_allowed(std::string_view allow) {
  auto answer = admin_error(405, "this is for " + std::string(allow));
  answer.allow = allow;
  return answer;
}

// {"names": […]}, {"all": true}, and "wait".
struct Wanted {
  std::vector<std::string> names;
  bool all = false;
  bool wait = false;
};

base::Result<Wanted> read_wanted(const std::string& body) {
  const auto wrong = [](const char* what) { return base::fail(base::Code::kMalformed, what); };
  const auto json = AdminJson::parse(body, nullptr, false);
  if (!json.is_object()) return wrong("expected an object of JSON");
  Wanted wanted;
  for (const auto& [key, value] : json.items()) {
    if (key == "names" && value.is_array()) {
      for (const auto& name : value) {
        if (!name.is_string()) return wrong("expected names as strings");
        wanted.names.push_back(given_name(name.get<std::string>()));
      }
    } else if (key == "all" && value.is_boolean()) {
      wanted.all = value.get<bool>();
    } else if (key == "wait" && value.is_boolean()) {
      wanted.wait = value.get<bool>();
    } else {
      return wrong("expected \"names\" (a list), \"all\" and \"wait\" (true or false) alone");
    }
  }
  if (wanted.all == !wanted.names.empty()) return wrong("expected either \"names\" or \"all\"");
  return wanted;
}

base::Task<AdminAnswer> list_page(certs::Automation& automation, const AdminRequest& request) {
  std::size_t most = kAdminPage;
  if (const auto text = query_value(request.query, "most"); !text.empty()) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), most);
    const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
    if (!whole || most < 1 || most > kAdminPage) {
      co_return admin_error(400, "most: expected a number from 1 to 1000");
    }
  }
  std::string after = given_name(query_value(request.query, "after"));
  const auto page = co_await automation.list(std::move(after), most);
  co_return answer_with(page);
}

base::Task<AdminAnswer> instruct(certs::Automation& automation, const AdminRequest& request,
                                 bool renew) {
  auto wanted = read_wanted(request.body);
  if (!wanted) co_return admin_error(400, wanted.error().detail);
  certs::NameOutcomes outcomes;
  if (!renew && (wanted->all || wanted->wait)) {
    co_return admin_error(400, "expected \"names\" alone");
  } else if (!renew) {
    outcomes = co_await automation.changed(std::move(wanted->names));
  } else if (wanted->all) {
    outcomes = co_await automation.renew_all(wanted->wait);
  } else {
    outcomes = co_await automation.renew(std::move(wanted->names), wanted->wait);
  }
  co_return answer_with(outcomes);
}

}  // namespace

AdminAnswer admin_error(std::uint16_t status, std::string_view what) {
  AdminJson json;
  json["error"] = what;
  AdminAnswer answer;
  answer.status = status;
  answer.body = text_of(json);
  return answer;
}

base::Task<AdminAnswer> answer_admin(certs::Automation& automation, AdminRequest request) {
  const bool get = request.method == "GET";
  const bool post = request.method == "POST";
  std::string_view below = request.path;
  if (below == kCertificatesPath) {
    if (!get) co_return not_allowed("GET");
    co_return co_await list_page(automation, request);
  }
  if (!below.starts_with(kCertificatesPath) || below[kCertificatesPath.size()] != '/') {
    co_return admin_error(404, "there is nothing at " + request.path + ": see docs/admin.md");
  }
  below.remove_prefix(kCertificatesPath.size() + 1);
  const bool renew = below == "renew";
  if (renew || below == "changed") {
    if (!post) co_return not_allowed("POST");
    co_return co_await instruct(automation, request, renew);
  }
  if (!get) co_return not_allowed("GET");
  std::string name = given_name(below);
  const auto status = co_await automation.show(std::move(name));
  co_return answer_with(status);
}

}  // namespace gatehouse::proxy
