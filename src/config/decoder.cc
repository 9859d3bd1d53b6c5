#include "config/decoder.h"

#include <algorithm>
#include <cctype>

#include "config/nearest.h"

namespace gatehouse::config {

namespace {

// Keys of the configuration's style that this version does not have; said so, so that nobody
// searches for a misspelling.
constexpr std::string_view kNotYet[] = {
    "redis",        "profile",         "preferred_chain", "renewal",          "method",
    "header",       "query",           "protocol",        "client_ip",        "files",
    "max_body",     "rate_limit",      "rewrite",         "basic_auth",       "forward_auth",
    "strip_prefix", "request_headers", "compress",        "response_headers", "policy",
    "health",       "retries",         "weight",          "max_connections",  "srv",
};

bool is_variable_name(std::string_view name) {
  return !name.empty() && !std::isdigit(static_cast<unsigned char>(name.front())) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
         });
}

}  // namespace

void Decoder::wrong(const Node& node, std::string message) {
  if (errors_.size() < kMostErrors) errors_.push_back({pointer_, node.line, std::move(message)});
}

bool Decoder::expected(const Node& node, std::string_view what) {
  std::string found(name(node.kind));
  if (node.kind == Node::Kind::kString) found = "\"" + node.text.substr(0, 60) + "\"";
  if (node.kind == Node::Kind::kNumber) found = node.text;
  if (node.kind == Node::Kind::kBool) found = node.boolean ? "true" : "false";
  wrong(node, "expected " + std::string(what) + ", found " + found);
  return false;
}

bool Decoder::string(const Node& node, std::string& out) {
  if (node.kind != Node::Kind::kString) return expected(node, "a string");
  out.clear();
  std::string_view rest = node.text;
  for (auto begin = rest.find("${"); begin != std::string_view::npos; begin = rest.find("${")) {
    out += rest.substr(0, begin);
    const auto end = rest.find('}', begin);
    auto inside = rest.substr(begin + 2, end == std::string_view::npos ? end : end - begin - 2);
    const auto dash = inside.find(":-");
    const std::string variable(inside.substr(0, dash));
    if (end == std::string_view::npos || !is_variable_name(variable)) {
      wrong(node, "expected ${NAME} or ${NAME:-default} after \"" + out + "\"");
      return false;
    }
    const char* value = environment_(variable.c_str());
    if (value != nullptr) {
      out += value;
    } else if (dash != std::string_view::npos) {
      out += inside.substr(dash + 2);
    } else {
      wrong(node, "the environment variable " + variable + " is not set (${" + variable +
                      ":-default} would give a default)");
      return false;
    }
    rest.remove_prefix(end + 1);
  }
  out += rest;
  return true;
}

void Decoder::unknown_key(const Node::Member& member, const std::vector<std::string_view>& known) {
  At at(*this, member.key);
  std::string message = "unknown key \"" + member.key + "\"";
  if (std::find(std::begin(kNotYet), std::end(kNotYet), member.key) != std::end(kNotYet)) {
    message += ": not supported by this version";
  } else {
    const auto meant = nearest(member.key, known);
    if (!meant.empty()) {
      message += "; did you mean \"" + std::string(meant) + "\"?";
    } else {
      message += "; expected one of:";
      for (const auto key : known) message += " " + std::string(key);
    }
  }
  Node place;
  place.line = member.line;
  wrong(place, std::move(message));
}

}  // namespace gatehouse::config
