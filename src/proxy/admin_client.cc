#include "proxy/admin_client.h"

#include <algorithm>

#include "proxy/admin_channel.h"
#include "proxy/admin_json.h"

namespace gatehouse::proxy {

namespace {

constexpr std::size_t kNamesAtOnce = 200;  // that surely fit into Admin::kBodyBytes

base::Result<void> tell_some(const AdminChannel& channel, const std::vector<std::string>& names) {
  AdminJson body;
  body["names"] = names;
  AdminRequest request;
  request.method = "POST";
  request.path = "/certificates/changed";
  request.body = text_of(body);
  const auto answer = channel.ask(std::move(request));
  if (!answer) return base::fail(base::Error(answer.error()));
  if (answer->status != 200) {
    return base::fail(base::Code::kDenied,
                      "the running gatehouse did not take the change: " + answer->body);
  }
  const auto json = AdminJson::parse(answer->body, nullptr, false);
  for (const auto& one : json.value("certificates", AdminJson::array())) {
    if (one.value("outcome", "") != "failed") continue;
    return base::fail(base::Code::kIo, base::Side::kStorage,
                      "the running gatehouse could not read the change: " + text_of(one));
  }
  return {};
}

}  // namespace

base::Result<Told> tell_of_changes(const config::Config& config,
                                   const std::vector<std::string>& names) {
  const auto channel = AdminChannel::open(config);
  if (!channel) return base::fail(base::Error(channel.error()));
  if (!channel->running()) return Told::kNotRunning;
  for (auto next = names.begin(); next != names.end();) {
    const auto left = static_cast<std::size_t>(names.end() - next);
    const auto end = next + static_cast<std::ptrdiff_t>(std::min(left, kNamesAtOnce));
    auto told = tell_some(*channel, std::vector<std::string>(next, end));
    if (!told) return base::fail(std::move(told.error()));
    next = end;
  }
  return Told::kYes;
}

}  // namespace gatehouse::proxy
