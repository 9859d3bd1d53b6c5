#include "certs/permission.h"

#include <algorithm>

#include "base/log.h"
#include "certs/name_pattern.h"

namespace gatehouse::certs {

std::string ask_url(std::string_view url, std::string_view name) {
  std::string out(url.substr(0, url.find('#')));
  const std::size_t query = out.find('?');
  if (query == std::string::npos) {
    out += '?';
  } else if (out.back() != '?' && out.back() != '&') {
    out += '&';
  }
  out += "domain=";
  for (const char c : name) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
      continue;
    }
    constexpr std::string_view kHex = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

Permission::Permission(base::Loop& loop, http::Client& client, Policy policy)
    : loop_(loop),
      client_(client),
      policy_(std::move(policy)),
      asking_(loop, kAsksAtOnce, kAsksQueued),
      remembered_(kRemembered) {}

std::optional<Ruling> Permission::known(std::string_view name) {
  const bool listed = std::ranges::any_of(
      policy_.allow, [&](const std::string& pattern) { return allows(pattern, name); });
  if (listed) return Ruling(Verdict::kAllowed, "a pattern of tls.on_demand.allow");
  if (policy_.ask.empty()) {
    return Ruling(Verdict::kDenied, "no pattern of tls.on_demand.allow covers it");
  }
  if (const Ruling* ruling = remembered_.find(name, base::Clock::now())) return *ruling;
  return std::nullopt;
}

base::Task<Ruling> Permission::check(std::string name) {
  if (auto ruling = known(name)) co_return *ruling;
  if (const auto open = open_.find(name); open != open_.end()) {
    const std::shared_ptr<Question> question = open->second;
    (void)co_await question->answered.wait();
    co_return question->ruling;
  }
  auto question = std::make_shared<Question>(loop_);
  open_.emplace(name, question);
  question->ruling = co_await ask(name);
  open_.erase(name);
  question->answered.set();
  co_return question->ruling;
}

base::Task<Ruling> Permission::ask(std::string name) {
  const base::Deadline deadline = base::Deadline::in(policy_.timeout);
  const auto turn = co_await asking_.acquire(Urgency::kHandshake, deadline);
  // Being too busy says nothing about the name, so it is not remembered.
  if (!turn) co_return Ruling(Verdict::kUnknown, "ask: " + turn.error().detail);
  Ruling ruling = co_await send(name, deadline);
  asking_.release();
  remember(name, ruling);
  co_return ruling;
}

base::Task<Ruling> Permission::send(std::string name, base::Deadline deadline) {
  const std::string url = ask_url(policy_.ask, name);
  http::ClientRequest request("GET", url);
  auto response = co_await client_.send(std::move(request), deadline);
  if (!response) {
    base::log::warn("ask gave no answer", {{"name", name}, {"error", response.error().detail}});
    co_return Ruling(Verdict::kUnknown, "ask gave no answer: " + response.error().detail);
  }
  const std::uint16_t status = response->status;
  std::string reason = "ask answered " + std::to_string(status);
  if (status >= 200 && status < 300) co_return Ruling(Verdict::kAllowed, std::move(reason));
  // An application in trouble, or asking for patience, has not said no.
  const bool trouble = status >= 500 || status == 429;
  co_return Ruling(trouble ? Verdict::kUnknown : Verdict::kDenied, std::move(reason));
}

void Permission::remember(const std::string& name, const Ruling& ruling) {
  base::Duration for_long = kUnknownFor;
  if (ruling.verdict == Verdict::kAllowed) for_long = kAllowedFor;
  if (ruling.verdict == Verdict::kDenied) for_long = kDeniedFor;
  remembered_.put(name, ruling, base::Clock::now() + for_long);
}

}  // namespace gatehouse::certs
