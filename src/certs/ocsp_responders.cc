#include "certs/ocsp_responders.h"

#include <utility>

#include "certs/issuer_factory.h"
#include "tls/ocsp_response.h"

namespace gatehouse::certs {

OcspResponders::OcspResponders(base::Loop& loop, base::Resolver& resolver,
                               tls::ClientContext& trust, WallClock now)
    : client_(loop, resolver, trust, user_agent(), tls::kMostOcspResponse), now_(std::move(now)) {}

std::optional<base::WallTime> OcspResponders::left_alone_until(const std::string& responder) {
  Breaker& breaker = breakers_.try_emplace(responder, kLongestPause).first->second;
  if (breaker.take(now_())) return std::nullopt;
  return breaker.next();
}

base::Task<base::Result<std::string>> OcspResponders::ask(std::string responder,
                                                          std::string request, bool by_post) {
  http::ClientRequest question("GET", tls::ocsp_url(responder, request));
  if (by_post || question.url.size() > kLongestGet) {
    question.method = "POST";
    question.url = responder;
    question.fields.set("Content-Type", "application/ocsp-request");
    question.body = std::move(request);
  }
  auto answer = co_await client_.send(std::move(question), base::Deadline::in(kQuestionTime));
  if (!answer) co_return base::fail(std::move(answer.error()));
  if (answer->status == 200) co_return std::move(answer->body);
  co_return base::fail(base::Code::kDenied, base::Side::kCa, base::Retry::kYes,
                       responder + " answered " + std::to_string(answer->status));
}

bool OcspResponders::heard(const std::string& responder, bool answered) {
  Breaker& breaker = breakers_.try_emplace(responder, kLongestPause).first->second;
  if (answered) breaker.answered();
  const bool open = breaker.open();
  if (!answered) breaker.failed(now_());
  return !open && breaker.open();
}

}  // namespace gatehouse::certs
