// Who is told of what happens to certificates.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"

namespace gatehouse::config {

enum class HookEvent : std::uint8_t { kObtained, kRenewed, kFailed, kRevoked, kExpiring };

inline constexpr std::pair<std::string_view, HookEvent> kHookEvents[] = {
    {"obtained", HookEvent::kObtained},
    {"renewed", HookEvent::kRenewed},
    {"failed", HookEvent::kFailed},
    {"revoked", HookEvent::kRevoked},
    {"expiring", HookEvent::kExpiring}};
std::string_view name(HookEvent event);

struct HookCommand {
  std::string program;  // absolute path
  std::vector<std::string> arguments;
  base::Duration timeout{60'000};  // of one run
};

struct HookWebhook {
  std::string url;
  std::string secret;              // that requests are signed with. Secret.
  std::string ca_file;             // PEM roots for https; empty: the system's
  base::Duration timeout{10'000};  // of one request
};

struct Hook {
  std::vector<HookEvent> on;       // empty: all
  std::vector<std::string> names;  // patterns as of OnDemand::allow; empty: every name
  std::variant<HookCommand, HookWebhook> action;
};

inline constexpr std::size_t kMostHooks = 32;
inline constexpr std::size_t kShortestSecret = 16;  // bytes

}  // namespace gatehouse::config
