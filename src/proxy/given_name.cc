#include "proxy/given_name.h"

#include "config/host_name.h"

namespace gatehouse::proxy {

std::string given_name(std::string_view text) {
  const std::string_view name = text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
  return config::to_host(name).value_or(std::string(text));
}

}  // namespace gatehouse::proxy
