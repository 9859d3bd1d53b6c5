#include "proxy/respond.h"

#include <array>

namespace gatehouse::proxy {

namespace {

std::string_view value_of(std::string_view name, const Placeholders& values) {
  const auto& head = values.head;
  if (name == "host") return url_host(head);
  if (name == "uri") return head.target;
  if (name == "path") return head.path();
  if (name == "query") return head.query();
  if (name == "method") return head.method;
  if (name == "scheme") return values.scheme;
  if (name == "client_ip") return values.client_ip;
  if (name == "request_id") return values.request_id;
  return {};
}

}  // namespace

std::string_view url_host(const http::RequestHead& head) {
  const std::string_view authority = head.authority;
  return authority.starts_with('[') ? authority.substr(0, authority.find(']') + 1) : head.host();
}

std::string expand(std::string_view text, const Placeholders& values) {
  std::string out;
  for (;;) {
    const auto open = text.find('{');
    const auto close = open == std::string_view::npos ? open : text.find('}', open);
    if (close == std::string_view::npos) break;
    out += text.substr(0, open);
    out += value_of(text.substr(open + 1, close - open - 1), values);
    text.remove_prefix(close + 1);
  }
  out += text;
  return out;
}

base::Task<base::Result<void>> respond_text(http::ServerStream& stream, http::ResponseHead head,
                                            std::string body) {
  const bool bodiless = http::never_has_body(head.status);
  if (stream.head().method == "HEAD" || bodiless) {
    if (!bodiless) head.announced_length = body.size();
    body.clear();
  } else {
    head.body = http::BodyKind::kLength;
    head.content_length = body.size();
  }
  auto done = co_await stream.write_head(head);
  if (!done) co_return done;
  if (!body.empty()) {
    auto chunk = base::Chunk::copy_of(base::as_bytes(body));
    done = co_await stream.write(std::move(chunk));
    if (!done) co_return done;
  }
  const http::Fields none;
  co_return co_await stream.finish(none);
}

base::Task<base::Result<void>> respond_fixed(http::ServerStream& stream,
                                             const config::Respond& action) {
  http::ResponseHead head;
  head.status = action.status;
  for (const auto& [name, value] : action.headers) head.fields.set(name, value);
  if (!action.body.empty() && !head.fields.has("Content-Type")) {
    head.fields.add("Content-Type", "text/plain; charset=utf-8");
  }
  std::string body = action.body;
  co_return co_await respond_text(stream, std::move(head), std::move(body));
}

base::Task<base::Result<void>> respond_redirect(http::ServerStream& stream, std::uint16_t status,
                                                std::string location) {
  http::ResponseHead head;
  head.status = status;
  head.fields.add("Location", location);
  std::string body;
  co_return co_await respond_text(stream, std::move(head), std::move(body));
}

base::Task<base::Result<void>> respond_error(http::ServerStream& stream, http::ResponseHead head,
                                             std::string_view sentence) {
  head.fields.add("Content-Type", "text/plain; charset=utf-8");
  std::string body = std::to_string(head.status) + " ";
  body += http::reason_phrase(head.status);
  body += "\n";
  body += sentence;
  body += "\n";
  co_return co_await respond_text(stream, std::move(head), std::move(body));
}

}  // namespace gatehouse::proxy
