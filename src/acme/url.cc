#include "acme/url.h"

#include "acme/problem.h"
#include "base/endpoint.h"
#include "http/url.h"

namespace gatehouse::acme {

namespace {

using base::Code;
using base::Side;

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  return host.starts_with("127.") && base::is_ip_literal(host);
}

std::unexpected<base::Error> bad(Code code, std::string_view url, std::string_view why) {
  return base::fail(code, Side::kCa,
                    "the CA's URL \"" + printable(url, 256) + "\" " + std::string(why));
}

}  // namespace

base::Result<void> check_url(std::string_view url) {
  if (url.size() > kUrlBytes) return bad(Code::kMalformed, url, "is too long");
  const auto parsed = http::parse_url(url);
  if (!parsed) return base::fail(parsed.error().code, Side::kCa, parsed.error().detail);
  if (!parsed->https && !is_loopback(parsed->host)) {
    return bad(Code::kDenied, url, "is not https; plain http is taken for loopback hosts only");
  }
  return {};
}

base::Result<std::string> resolve_url(std::string_view base_url, std::string_view reference) {
  if (reference.empty()) {
    return base::fail(Code::kMalformed, Side::kCa,
                      "a URL is missing in the CA's answer from " + printable(base_url, 256));
  }
  std::string url(reference);
  if (reference.starts_with('/') && !reference.starts_with("//")) {
    const std::size_t authority = base_url.find("://") + 3;
    const std::size_t path = base_url.find_first_of("/?", authority);
    url = std::string(base_url.substr(0, path)) + url;
  }
  if (auto checked = check_url(url); !checked) return base::fail(std::move(checked.error()));
  if (base_url.starts_with("https:") && !url.starts_with("https:")) {
    return bad(Code::kDenied, url, "leads from https to http");
  }
  return url;
}

}  // namespace gatehouse::acme
