#include "acme/failure.h"

#include "acme/retry_after.h"

namespace gatehouse::acme {

namespace {

base::Code code_of(const Problem& problem) {
  const bool may_pass = problem.status == 429 || problem.status >= 500 || problem.is("rateLimited");
  return may_pass ? base::Code::kOverload : base::Code::kDenied;
}

}  // namespace

Failure::Failure(std::string_view what, Problem p)
    : error(code_of(p), base::Side::kCa, p.handling().retry ? base::Retry::kYes : base::Retry::kNo,
            "the CA refused " + std::string(what) + ": " + p.text()),
      problem(std::move(p)),
      retry_after(retry_after_in(problem->detail, base::wall_now())) {}

}  // namespace gatehouse::acme
