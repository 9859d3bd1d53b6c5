#include "config/hook_keys.h"

#include <algorithm>
#include <optional>

#include "config/base64.h"
#include "config/check.h"
#include "config/host_name.h"
#include "config/http_url.h"

namespace gatehouse::config {

namespace {

using codec::field;
using codec::List;
using codec::Optional;
using codec::Text;

struct Program : Text {
  static bool read(Decoder& d, const Node& node, std::string& out) {
    if (!d.string(node, out)) return false;
    if (out.starts_with('/') && !out.ends_with('/')) return true;
    return d.expected(node, "an absolute path of a program");
  }
};

struct Url : Text {
  static bool read(Decoder& d, const Node& node, std::string& out) {
    if (!d.string(node, out)) return false;
    if (is_http_url(out)) return true;
    return d.expected(node, "a URL such as \"https://hooks.example.com/certificates\"");
  }
};

struct SigningSecret : codec::Secret {
  static bool read(Decoder& d, const Node& node, std::string& out) {
    if (!Secret::read(d, node, out)) return false;
    const auto digits = std::string_view(out).substr(out.starts_with("whsec_") ? 6 : 0);
    const std::size_t bytes = digits.size() < out.size() ? digits.size() / 4 * 3 : out.size();
    const bool base64 = std::ranges::all_of(digits.substr(0, digits.find('=')), is_base64_digit);
    if (digits.size() < out.size() && (!base64 || digits.size() % 4 != 0)) {
      d.wrong(node, "what follows \"whsec_\" in a secret is base64");
      return false;
    }
    if (bytes >= kShortestSecret) return true;
    d.wrong(node, "a secret has 16 bytes at least: \"openssl rand -base64 32\" makes one");
    return false;
  }
};

// What hangs would hold up all that is told after it.
struct Limit : codec::Duration {
  static bool read(Decoder& d, const Node& node, base::Duration& out) {
    if (!Duration::read(d, node, out)) return false;
    constexpr base::Duration kMost{3'600'000};
    if (out.count() > 0 && out <= kMost) return true;
    return d.expected(node, "a duration from \"1ms\" to \"1h\"");
  }
};

struct NamePattern : Text {
  static bool read(Decoder& d, const Node& node, std::string& out) {
    if (!HostName::read(d, node, out)) return false;
    if (is_host_name(out.starts_with("*.") ? out.substr(2) : out)) return true;
    return d.expected(node, "a name pattern such as \"a.example\" or \"*.a.example\"");
  }
};

const std::vector<Field<HookCommand>>& hook_command_fields() {
  static const std::vector<Field<HookCommand>> fields = {
      field<&HookCommand::program, Program>("program", "absolute path of what is run"),
      field<&HookCommand::arguments, List<Text>>("arguments", "that it gets"),
      field<&HookCommand::timeout, Limit>("timeout", "of one run"),
  };
  return fields;
}

const std::vector<Field<HookWebhook>>& hook_webhook_fields() {
  static const std::vector<Field<HookWebhook>> fields = {
      field<&HookWebhook::url, Url>("url", "where events are posted"),
      field<&HookWebhook::secret, SigningSecret>("secret", "that they are signed with"),
      field<&HookWebhook::ca_file, Text>("ca_file", "PEM roots for https"),
      field<&HookWebhook::timeout, Limit>("timeout", "of one request"),
  };
  return fields;
}

// An object that must have these keys.
template <class Object, const auto& Keys>
struct With : Object {
  using Value = typename Object::Value;
  static bool read(Decoder& d, const Node& node, Value& out) {
    if (!Object::read(d, node, out)) return false;
    bool all = true;
    for (const char* key : Keys) {
      if (node.find(key) != nullptr) continue;
      d.wrong(node, std::string("expected the key \"") + key + "\"");
      all = false;
    }
    return all;
  }
  static Schema schema() {
    auto schema = Object::schema();
    for (const char* key : Keys) schema["required"].push_back(key);
    return schema;
  }
};

constexpr const char* kHookCommandKeys[] = {"program"};
constexpr const char* kHookWebhookKeys[] = {"url", "secret"};
using HookCommandObject = With<codec::ObjectOf<HookCommand, hook_command_fields>, kHookCommandKeys>;
using HookWebhookObject = With<codec::ObjectOf<HookWebhook, hook_webhook_fields>, kHookWebhookKeys>;

// While it is read: any number of actions.
struct HookDraft {
  std::optional<HookCommand> command;
  std::optional<HookWebhook> webhook;
  std::vector<HookEvent> on;
  std::vector<std::string> names;
};

const std::vector<Field<HookDraft>>& hook_fields() {
  static const std::vector<Field<HookDraft>> fields = {
      field<&HookDraft::on, List<codec::Word<kHookEvents>>>("on", "the events; else all"),
      field<&HookDraft::names, List<NamePattern>>("names", "of certificates; else all"),
      field<&HookDraft::command, Optional<HookCommandObject>>("command", "a program that is run"),
      field<&HookDraft::webhook, Optional<HookWebhookObject>>("webhook", "a URL that is posted to"),
  };
  return fields;
}

struct HookObject {
  using Value = Hook;
  static bool read(Decoder& d, const Node& node, Hook& out) {
    HookDraft draft;
    if (!read_object<HookDraft>(d, node, hook_fields(), draft)) return false;
    if (draft.command.has_value() == draft.webhook.has_value()) {
      return d.expected(node, "exactly one of command, webhook");
    }
    const Node* on = node.find("on");
    if (on != nullptr && on->kind == Node::Kind::kList && on->items.empty()) {
      Decoder::At at(d, "on");
      return d.expected(*on, "one event at least");
    }
    out.on = std::move(draft.on);
    out.names = std::move(draft.names);
    if (draft.command) out.action = std::move(*draft.command);
    if (draft.webhook) out.action = std::move(*draft.webhook);
    return true;
  }
  static Schema schema() {
    return codec::with_one_of(object_schema<HookDraft>(hook_fields()), {"command", "webhook"});
  }
};

}  // namespace

std::string_view name(HookEvent event) {
  return std::ranges::find(kHookEvents, event, &std::pair<std::string_view, HookEvent>::second)
      ->first;
}

bool HookList::read(Decoder& d, const Node& node, Value& out) {
  if (!List<HookObject>::read(d, node, out)) return false;
  if (out.size() <= kMostHooks) return true;
  return d.expected(node, "32 hooks at most");
}

Schema HookList::schema() { return List<HookObject>::schema(); }

}  // namespace gatehouse::config
