// Asks CAs' OCSP responders over plain HTTP (RFC 6960 A, RFC 5019 5), which certificates name: so
// anybody may stand there, or nobody.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "base/loop.h"
#include "base/resolver.h"
#include "certs/breaker.h"
#include "certs/schedule.h"
#include "http/client.h"
#include "tls/context.h"
#include "tls/ocsp_request.h"

namespace gatehouse::certs {

// On control's loop.
class OcspResponders {
 public:
  static constexpr base::Duration kQuestionTime{10'000};
  // A responder that errs with everything is left alone, for so long at most.
  static constexpr std::chrono::seconds kLongestPause = std::chrono::hours(1);
  static constexpr std::size_t kLongestGet = 255;  // bytes of a URL, RFC 5019 5

  // All outlive it. `trust` is not used: nothing is asked over https.
  OcspResponders(base::Loop& loop, base::Resolver& resolver, tls::ClientContext& trust,
                 WallClock now);

  // Nothing when `responder` may be asked now, else from when on.
  std::optional<base::WallTime> left_alone_until(const std::string& responder);
  // What the responder answers, unchecked, by GET; by POST when `by_post`, or the URL is too long.
  // left_alone_until() has said yes; heard() is to follow. Errors: those of http::Client, and
  // kDenied for another status than 200.
  base::Task<base::Result<std::string>> ask(std::string responder, std::string request,
                                            bool by_post);
  // Whether what came was an answer, be it a no. True when it has just come to be left alone.
  bool heard(const std::string& responder, bool answered);

  void close_idle() { client_.close_idle(); }

 private:
  http::Client client_;
  WallClock now_;
  // By URL: at most as many as certificates have named.
  std::unordered_map<std::string, Breaker> breakers_;
};

}  // namespace gatehouse::certs
