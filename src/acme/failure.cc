#include "acme/failure.h"

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
      problem(std::move(p)) {}

}  // namespace gatehouse::acme
