// Why a request to a CA failed: our own error, and what the CA said with it.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string_view>
#include <utility>

#include "acme/problem.h"
#include "base/error.h"

namespace gatehouse::acme {

struct Failure {
  base::Error error;                                // side kCa when the CA answered
  std::optional<Problem> problem;                   // what it answered
  std::optional<std::chrono::seconds> retry_after;  // not sooner, said the CA
  bool entrance = false;  // of the directory, or of newNonce: no request gets past that

  Failure() = default;
  explicit Failure(base::Error e) : error(std::move(e)) {}
  // `what` names the request: "newOrder". A moment in the problem's words is its retry_after.
  Failure(std::string_view what, Problem p);

  bool is(std::string_view token) const { return problem && problem->is(token); }
};

template <class T = void>
using Outcome = std::expected<T, Failure>;

// Not named fail: base::fail would be found beside it.
inline std::unexpected<Failure> failed(Failure failure) {
  return std::unexpected<Failure>(std::move(failure));
}
inline std::unexpected<Failure> failed(base::Error error) {
  return std::unexpected<Failure>(Failure(std::move(error)));
}
// The CA's answer does not say what it must.
inline std::unexpected<Failure> malformed(std::string detail) {
  return failed(base::Error(base::Code::kMalformed, base::Side::kCa, std::move(detail)));
}

}  // namespace gatehouse::acme
