// Answers that gatehouse gives itself: fixed responses, redirects, errors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/loop.h"
#include "config/model.h"
#include "http/stream.h"

namespace gatehouse::proxy {

// What placeholders stand for.
struct Placeholders {
  const http::RequestHead& head;
  std::string_view scheme;  // "http" or "https"
  std::string_view client_ip;
  std::string_view request_id = {};
};

// The host as a URL says it: an IPv6 address in its brackets.
std::string_view url_host(const http::RequestHead& head);

// `text` with {host}, {uri}, {path}, {query}, {method}, {scheme}, {client_ip} and {request_id}
// replaced. What a client sent cannot break the line that it lands in: parsed heads hold no control
// characters.
std::string expand(std::string_view text, const Placeholders& values);

// Sends a whole response with a body of text. Errors: those of the stream.
base::Task<base::Result<void>> respond_text(http::ServerStream& stream, http::ResponseHead head,
                                            std::string body);
// A configured answer.
base::Task<base::Result<void>> respond_fixed(http::ServerStream& stream,
                                             const config::Respond& action);
// A redirect to `location`.
base::Task<base::Result<void>> respond_redirect(http::ServerStream& stream, std::uint16_t status,
                                                std::string location);
// An error page: the status of `head`, its name, and one sentence that gives nothing away.
base::Task<base::Result<void>> respond_error(http::ServerStream& stream, http::ResponseHead head,
                                             std::string_view sentence);

}  // namespace gatehouse::proxy
