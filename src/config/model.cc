#include "config/model.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/endpoint.h"

namespace gatehouse::config {

namespace {

bool usable_folder(const char* folder, const char* parent) {
  struct stat info{};
  if (::stat(folder, &info) == 0) return S_ISDIR(info.st_mode) && ::access(folder, W_OK) == 0;
  return ::access(parent, W_OK) == 0;
}

bool is_private(std::string_view ip) {
  const auto endpoint = base::Endpoint::from_ip(ip, 0);
  if (!endpoint) return false;
  const auto text = endpoint->host();
  for (const auto prefix : {"10.", "127.", "192.168.", "169.254.", "fc", "fd", "fe80:"}) {
    if (text.starts_with(prefix)) return true;
  }
  if (text == "::1") return true;
  if (!text.starts_with("172.")) return false;
  const int second = std::atoi(text.c_str() + 4);
  return second >= 16 && second <= 31;
}

}  // namespace

std::string Address::text() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  const auto port_text = ":" + std::to_string(port);
  return host.find(':') != std::string::npos ? "[" + host + "]" + port_text : host + port_text;
}

bool signs_wildcards(const Issuer& issuer) {
  const auto* acme = std::get_if<AcmeIssuer>(&issuer);
  return acme == nullptr || acme->dns.has_value() ||
         std::ranges::find(acme->challenges, Challenge::kDnsPersist01) != acme->challenges.end();
}

bool uses_internal_issuer(std::string_view name) {
  if (base::is_ip_literal(name)) return is_private(name);
  for (const std::string_view ending : {"localhost", "internal", "test", "local"}) {
    if (name == ending) return true;
    if (name.ends_with(ending) && name[name.size() - ending.size() - 1] == '.') return true;
  }
  return name.find('.') == std::string_view::npos;  // no public CA signs a single label
}

std::string default_data_folder() {
  if (const char* folder = std::getenv("GATEHOUSE_DATA"); folder != nullptr && *folder != '\0') {
    return folder;
  }
  if (usable_folder("/var/lib/gatehouse", "/var/lib")) return "/var/lib/gatehouse";
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data == '/') {
    return std::string(data) + "/gatehouse";
  }
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr && *home == '/' ? home : "/tmp") + "/.local/share/gatehouse";
}

}  // namespace gatehouse::config
