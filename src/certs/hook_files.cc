#include "certs/hook_files.h"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <variant>

#include "tls/context.h"

namespace gatehouse::certs {

namespace {

base::Result<> check_action(const config::Hook& hook, const std::string& at) {
  if (const auto* command = std::get_if<config::HookCommand>(&hook.action)) {
    if (::access(command->program.c_str(), X_OK) == 0) return {};
    return base::fail(base::from_errno(
        errno, base::Side::kLocal, at + "/command/program: cannot be run: " + command->program));
  }
  const auto& webhook = std::get<config::HookWebhook>(hook.action);
  if (webhook.ca_file.empty()) return {};
  tls::ClientOptions options;
  options.ca_file = webhook.ca_file;
  options.system_roots = false;
  auto made = tls::ClientContext::make(std::move(options));
  if (made) return {};
  return base::fail(made.error().code, at + "/webhook/ca_file: " + made.error().detail);
}

}  // namespace

base::Result<> check_hook_files(const config::Config& config) {
  base::Result<> all;
  for (std::size_t i = 0; i < config.hooks.size(); ++i) {
    auto one = check_action(config.hooks[i], "/hooks/" + std::to_string(i));
    if (one) continue;
    if (!all) one.error().detail = all.error().detail + "\n" + one.error().detail;
    all = std::move(one);
  }
  return all;
}

}  // namespace gatehouse::certs
