// Whether a name that stands in no site may get a certificate: patterns of the configuration
// first, then a question to the application ("ask"). Answers are remembered, so that strangers
// who try names cost the application little.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/event.h"
#include "certs/slots.h"
#include "certs/timed_cache.h"
#include "http/client.h"

namespace gatehouse::certs {

enum class Verdict : std::uint8_t {
  kAllowed,
  kDenied,
  kUnknown,  // nobody answered in time: a no for new certificates
};

struct Ruling {
  Verdict verdict = Verdict::kUnknown;
  std::string reason;  // for the log

  Ruling() = default;
  Ruling(Verdict v, std::string r) : verdict(v), reason(std::move(r)) {}
};

// On control's loop.
class Permission {
 public:
  static constexpr std::size_t kRemembered = 100'000;    // names, some 20 MB when full
  static constexpr base::Duration kAllowedFor{600'000};  // a yes is believed for 10 minutes
  static constexpr base::Duration kDeniedFor{60'000};    // a no for a minute
  static constexpr base::Duration kUnknownFor{5'000};    // silence is not probed more often
  static constexpr std::size_t kAsksAtOnce = 64;         // requests to the application
  static constexpr std::size_t kAsksQueued = 1024;       // beyond: unknown, at once

  struct Policy {
    std::vector<std::string> allow;  // "a.example", "*.a.example" (any depth), "*"
    std::string ask;                 // http:// or https:// URL; empty: nobody to ask
    base::Duration timeout{5'000};   // of one question, waiting for its turn included
  };

  // `client` outlives it.
  Permission(base::Loop& loop, http::Client& client, Policy policy);
  Permission(const Permission&) = delete;
  Permission& operator=(const Permission&) = delete;

  // The ruling on `name` (lower case, checked by the caller to be a host name). Questions for one
  // name at the same time are one question. Never takes longer than the timeout.
  base::Task<Ruling> check(std::string name);
  // The ruling, when it is known without asking anybody.
  std::optional<Ruling> known(std::string_view name);

 private:
  struct Question {
    explicit Question(base::Loop& loop) : answered(loop) {}
    base::Event answered;
    Ruling ruling;
  };

  base::Task<Ruling> ask(std::string name);
  base::Task<Ruling> send(std::string name, base::Deadline deadline);
  void remember(const std::string& name, const Ruling& ruling);

  base::Loop& loop_;
  http::Client& client_;
  Policy policy_;
  Slots asking_;
  TimedCache<Ruling> remembered_;
  std::unordered_map<std::string, std::shared_ptr<Question>> open_;
};

// `url` with `domain=NAME` added to its query (RFC 3986); an existing query is kept, a fragment
// dropped.
std::string ask_url(std::string_view url, std::string_view name);

}  // namespace gatehouse::certs
