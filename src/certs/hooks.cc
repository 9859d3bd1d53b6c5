#include "certs/hooks.h"

#include <algorithm>
#include <csignal>
#include <utility>
#include <variant>

#include "base/log.h"
#include "certs/backoff.h"
#include "certs/name_pattern.h"
#include "certs/webhook_signature.h"

namespace gatehouse::certs {

namespace {

namespace log = base::log;

// What the log calls a hook. Paths and queries of URLs may be secrets of their own.
std::string title_of(const config::Hook& hook) {
  if (const auto* command = std::get_if<config::HookCommand>(&hook.action)) {
    return "command " + command->program;
  }
  const std::string& url = std::get<config::HookWebhook>(hook.action).url;
  const auto host = url.find("://") + 3;
  return "webhook " + url.substr(0, url.find_first_of("/?#", host));
}

bool wanted_by(const config::Hook& hook, const CertificateEvent& event) {
  if (!hook.on.empty() && std::ranges::find(hook.on, event.kind) == hook.on.end()) return false;
  const auto covered = [&](const std::string& pattern) {
    return std::ranges::any_of(event.names,
                               [&](const std::string& name) { return allows(pattern, name); });
  };
  return hook.names.empty() || std::ranges::any_of(hook.names, covered);
}

// A little sooner or later, so that what failed together does not come back together.
base::Duration spread(base::Duration pause) {
  const double factor = 0.9 + 0.2 * random_fraction();
  return base::Duration(
      static_cast<base::Duration::rep>(static_cast<double>(pause.count()) * factor));
}

}  // namespace

struct Hooks::Line {
  explicit Line(const config::Hook& hook) : wanted(hook), title(title_of(hook)) {}

  const config::Hook wanted;
  const std::string title;
  std::deque<Notice> waiting;
  std::shared_ptr<const CertificateEvent> current;  // that it is being told of
  unsigned attempts = 0;                            // to do so, begun
  bool working = false;                             // a task does
  pid_t running = 0;                                // the program's group
  std::unique_ptr<JsonApi> api;                     // of a webhook
};

Hooks::Hooks(Parts parts, const std::vector<config::Hook>& wanted)
    : parts_(parts), gate_(parts.loop), hurried_(parts.loop) {
  for (const config::Hook& hook : wanted) {
    lines_.push_back(std::make_unique<Line>(hook));
    if (const auto* webhook = std::get_if<config::HookWebhook>(&hook.action)) {
      lines_.back()->api = std::make_unique<JsonApi>(parts_, webhook->ca_file);
    }
  }
}

Hooks::~Hooks() = default;

bool Hooks::wants(config::HookEvent kind) const {
  return std::ranges::any_of(lines_, [kind](const auto& line) {
    const auto& on = line->wanted.on;
    return on.empty() || std::ranges::find(on, kind) != on.end();
  });
}

void Hooks::tell(CertificateEvent event) {
  if (!wants(event.kind)) return;
  Notice notice;
  notice.event = std::make_shared<const CertificateEvent>(std::move(event));
  notice.last = base::Clock::now() + kTold;
  for (const auto& line : lines_) {
    if (!wanted_by(line->wanted, *notice.event)) continue;
    if (gate_.closed()) {
      lose(*line, *notice.event, "gatehouse ends", 0);
      continue;
    }
    if (line->waiting.size() >= kQueued) {
      lose(*line, *line->waiting.front().event, "too many events wait for this hook", 0);
      line->waiting.pop_front();
    }
    line->waiting.push_back(notice);
    if (!std::exchange(line->working, true)) gate_.spawn(work_off(*line), "a hook");
  }
}

void Hooks::lose(const Line& line, const CertificateEvent& event, const char* why,
                 unsigned attempts) {
  ++lost_;
  log::error("a hook was not told of an event", {{"hook", line.title},
                                                 {"event", config::name(event.kind)},
                                                 {"name", event.names.front()},
                                                 {"id", event.id},
                                                 {"reason", why},
                                                 {"attempts", attempts},
                                                 {"lost", lost_}});
}

base::Task<void> Hooks::work_off(Line& line) {
  while (!line.waiting.empty()) {
    Notice notice = std::move(line.waiting.front());
    line.waiting.pop_front();
    line.current = notice.event;
    co_await deliver(line, std::move(notice));
    line.current.reset();
  }
  line.working = false;
}

base::Task<void> Hooks::deliver(Line& line, Notice notice) {
  const auto& event = notice.event;
  base::Duration pause = kFirstPause;
  for (unsigned attempts = 1;; ++attempts) {
    if (over_) {
      if (line.current) lose(line, *event, "gatehouse ends", attempts - 1);
      co_return;
    }
    line.attempts = attempts;
    const bool last = hurried_.is_set();
    const auto told = co_await attempt(line, *event);
    if (told) {
      log::info("a hook was told of an event", {{"hook", line.title},
                                                {"event", config::name(event->kind)},
                                                {"name", event->names.front()},
                                                {"id", event->id},
                                                {"attempts", attempts},
                                                {"said", *told}});
      co_return;
    }
    log::warn("a hook failed", {{"hook", line.title},
                                {"event", config::name(event->kind)},
                                {"name", event->names.front()},
                                {"id", event->id},
                                {"attempts", attempts},
                                {"error", told.error().detail}});
    if (over_) continue;
    const bool late = base::Clock::now() + pause > notice.last;
    if (attempts == kAttempts || late || last) {
      lose(line, *event, last ? "gatehouse ends" : "it failed too often", attempts);
      co_return;
    }
    (void)co_await hurried_.wait(base::Deadline::in(spread(pause)));
    pause = std::min(pause * 3, kLongestPause);
  }
}

base::Task<base::Result<std::string>> Hooks::attempt(Line& line, const CertificateEvent& event) {
  if (line.api) return post(line, event);
  return run(line, event);
}

base::Task<base::Result<std::string>> Hooks::run(Line& line, const CertificateEvent& event) {
  const auto& command = std::get<config::HookCommand>(line.wanted.action);
  std::vector<std::string> arguments = command.arguments;
  arguments.insert(arguments.begin(), command.program);
  base::ProgramInput input = to_input(event);
  input.running = &line.running;
  const base::Deadline deadline = base::Deadline::in(command.timeout);
  auto ended = co_await base::run_program(parts_.loop, parts_.blocking, std::move(arguments),
                                          deadline, std::move(input));
  if (!ended) co_return base::fail(std::move(ended.error()));
  if (ended->status != 0) {
    co_return base::fail(base::Code::kDenied, command.program + " " + base::text_of(*ended));
  }
  co_return ended->messages.empty() ? std::string() : base::text_of(*ended);
}

base::Task<base::Result<std::string>> Hooks::post(Line& line, const CertificateEvent& event) {
  const auto& webhook = std::get<config::HookWebhook>(line.wanted.action);
  std::string body = to_json(event);
  const base::WallTime now = base::wall_now();
  http::Fields fields;
  fields.add("webhook-id", event.id);
  fields.add("webhook-timestamp", std::to_string(now.time_since_epoch().count()));
  fields.add("webhook-signature",
             webhook_signature(webhook_key(webhook.secret), event.id, now, body));
  const base::Deadline deadline = base::Deadline::in(webhook.timeout);
  auto answer = co_await line.api->post(webhook.url, std::move(fields), std::move(body), deadline);
  if (answer) co_return std::string();
  base::Error error = std::move(answer.error());
  if (const auto at = error.detail.find(webhook.url); at != std::string::npos) {
    error.detail.replace(at, webhook.url.size(), line.title);
  }
  co_return base::fail(std::move(error));
}

base::Task<void> Hooks::close(base::Deadline deadline) {
  const auto ended = co_await gate_.close(deadline);
  if (ended) co_return;
  over_ = true;
  hurried_.set();
  for (const auto& line : lines_) {
    for (const Notice& notice : std::exchange(line->waiting, {})) {
      lose(*line, *notice.event, "gatehouse ends", 0);
    }
  }
  // One may be starting just now.
  const base::Deadline end = base::Deadline::in(kKilled);
  while (gate_.count() != 0 && !end.passed()) {
    for (const auto& line : lines_) {
      if (line->running != 0) ::kill(-line->running, SIGKILL);
    }
    (void)co_await gate_.close(base::Deadline::in(kKilled / 10));
  }
  for (const auto& line : lines_) {  // that wait for an answer still
    const auto current = std::exchange(line->current, nullptr);
    if (current) lose(*line, *current, "gatehouse ends", line->attempts);
  }
}

}  // namespace gatehouse::certs
