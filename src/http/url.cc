#include "http/url.h"

#include "http/fields.h"
#include "http/message.h"
#include "http/target.h"

namespace gatehouse::http {

namespace {

std::unexpected<base::Error> bad(std::string_view url, std::string_view why) {
  std::string detail = "\"";
  detail += url.substr(0, 256);
  detail += "\" is no URL for a request: ";
  detail += why;
  return base::fail(base::Code::kMalformed, std::move(detail));
}

std::uint16_t port_in(std::string_view authority, std::uint16_t otherwise) {
  const auto colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.back() == ']') return otherwise;
  return static_cast<std::uint16_t>(std::stoul(std::string(authority.substr(colon + 1))));
}

}  // namespace

base::Result<Url> parse_url(std::string_view text) {
  if (text.size() > kUrlBytes) return bad(text, "it is longer than 8 KiB");
  TargetParts parts;
  const bool split = split_target(text, parts);
  if (!split || parts.form != TargetParts::Form::kAbsolute) {
    return bad(text, "http://host/path or https://host/path is needed, without a fragment");
  }
  if (parts.authority.find('@') != std::string_view::npos) return bad(text, "it names a user");
  RequestHead head;
  if (!normalise_authority(parts.authority, head.authority))
    return bad(text, "its host is not one");
  Url url;
  url.https = equal_names(text.substr(0, text.find(':')), "https");
  const std::uint16_t own_port = url.https ? 443 : 80;
  url.host = head.host();
  url.port = port_in(head.authority, own_port);
  url.authority = head.authority;
  if (url.port == own_port && !url.authority.ends_with(']')) {
    url.authority.resize(std::min(url.authority.rfind(':'), url.authority.size()));
  }
  url.target = parts.path.empty() ? "/" : parts.path;
  url.target += parts.query;
  return url;
}

}  // namespace gatehouse::http
