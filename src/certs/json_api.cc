#include "certs/json_api.h"

#include <utility>

#include "certs/issuer_factory.h"

namespace gatehouse::certs {

namespace {

constexpr std::size_t kShown = 256;  // bytes of an answer in an error

std::string visible(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kShown)) {
    out += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? ' ' : c;
  }
  return out;
}

}  // namespace

JsonApi::JsonApi(Parts parts, std::string ca_file) : parts_(parts), ca_file_(std::move(ca_file)) {}

JsonApi::~JsonApi() = default;

base::Task<base::Result<void>> JsonApi::connect(bool https) {
  if (client_) co_return base::Result<void>();
  tls::ClientOptions options;
  options.ca_file = ca_file_;
  options.system_roots = https && ca_file_.empty();
  auto make = [options] { return tls::ClientContext::make(options); };
  auto trust = co_await parts_.blocking.run(std::move(make));
  if (!trust) co_return base::fail(std::move(trust.error()));
  trust_ = std::move(*trust);
  client_ = std::make_unique<http::Client>(parts_.loop, parts_.resolver, *trust_, user_agent(),
                                           kLargestAnswer);
  co_return base::Result<void>();
}

base::Task<base::Result<std::string>> JsonApi::post(std::string url, http::Fields fields,
                                                    std::string json, base::Deadline deadline) {
  auto connected = co_await connect(url.starts_with("https:"));
  if (!connected) co_return base::fail(std::move(connected.error()));
  http::ClientRequest request("POST", url);
  request.fields = std::move(fields);
  request.fields.set("Content-Type", "application/json");
  request.body = std::move(json);
  const auto end = deadline.min(base::Deadline::in(kAnswerTime));
  auto response = co_await client_->send(std::move(request), end);
  if (!response) co_return base::fail(std::move(response.error()));
  if (response->status >= 200 && response->status < 300) co_return std::move(response->body);
  co_return base::fail(
      base::Code::kDenied, base::Side::kUpstream, base::Retry::kYes,
      url + " answered " + std::to_string(response->status) + ": " + visible(response->body));
}

}  // namespace gatehouse::certs
