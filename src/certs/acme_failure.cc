#include "certs/acme_failure.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace gatehouse::certs {

namespace {

using base::Code;
using base::Side;

bool is_of_a_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '*' ||
         c == ':';
}

// Whether `name` stands in `text` by itself, not as a part of a longer name.
bool mentions(std::string_view text, std::string_view name) {
  for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const std::string_view before = text.substr(0, at);
    const std::string_view after = text.substr(at + name.size());
    const bool begins = before.empty() || (before.back() != '.' && !is_of_a_name(before.back()));
    const bool goes_on = after.starts_with('.') && after.size() > 1 && is_of_a_name(after[1]);
    const bool colon = after.starts_with(':');  // "a.example: why"
    const bool ends = after.empty() || colon || (!is_of_a_name(after.front()) && !goes_on);
    if (begins && ends) return true;
  }
  return false;
}

bool is_about_identifiers(const acme::Problem& problem) {
  static constexpr std::array kTypes{
      std::string_view("rejectedIdentifier"), std::string_view("unsupportedIdentifier"),
      std::string_view("caa"), std::string_view("dns"), std::string_view("malformed")};
  return std::ranges::find(kTypes, problem.type) != kTypes.end();
}

}  // namespace

IssueError to_issue_error(acme::Failure failure, bool of_challenge) {
  IssueError out(std::move(failure.error));
  if (failure.retry_after) {
    out.not_before = base::Deadline(base::Clock::now() + *failure.retry_after);
  }
  if (failure.problem) {
    acme::Handling handling = failure.problem->handling();
    if (failure.entrance) handling = acme::find_problem_type("serverInternal")->handling;
    // The same token says that a challenge was answered wrongly, and that an account is not valid.
    if (failure.is("unauthorized") && !of_challenge) {
      handling = acme::find_problem_type("externalAccountRequired")->handling;
    }
    out.lasting = handling.lasting;
    out.other_issuer = handling.other_issuer;
    out.whole_issuer = handling.whole_ca || failure.problem->concerns_everybody();
    out.advice = failure.problem->advice();
    out.problem = failure.problem->type;
    return out;
  }
  const Code code = out.error.code;
  out.lasting =
      out.error.retry == base::Retry::kNo && (code == Code::kDenied || code == Code::kUnsupported);
  // It could not be reached, or does not speak ACME. What is our own fault says nothing of it.
  // Nor does one order for which it asked for time (acme::Poll).
  out.whole_issuer = out.error.side == Side::kCa && code != Code::kDenied &&
                     code != Code::kUnsupported && !failure.retry_after;
  if (out.error.side == Side::kCa) {
    out.advice = out.whole_issuer
                     ? "see whether the CA can be reached from here, and its status page"
                     : "read what the CA says; name another issuer meanwhile";
  }
  if (failure.retry_after) out.advice = "wait: the order is taken up then";
  return out;
}

std::vector<NameError> blamed_names(const acme::Problem& problem,
                                    const std::vector<std::string>& names) {
  std::vector<NameError> out;
  const auto blame = [&](const std::string& name, const std::string& type,
                         const std::string& detail) {
    if (std::ranges::find(names, name) == names.end()) return;
    if (std::ranges::find(out, name, &NameError::name) != out.end()) return;
    const acme::ProblemType* known = acme::find_problem_type(type);
    out.emplace_back(name, type + ": " + detail, known != nullptr && known->handling.lasting);
  };
  for (const auto& sub : problem.subproblems) {
    blame(sub.identifier, sub.type, sub.detail);
    blame("*." + sub.identifier, sub.type, sub.detail);
  }
  if (!problem.subproblems.empty() || !is_about_identifiers(problem)) return out;
  for (const std::string& name : names) {
    if (mentions(problem.detail, name)) blame(name, problem.type, problem.detail);
  }
  return out;
}

bool may_be_taken_up(const acme::Failure& failure) {
  if (failure.problem) {
    const int status = failure.problem->status;
    // A page says nothing of the order, unless it is that there is none.
    if (failure.problem->page && status != 404 && status != 410) return true;
    return status >= 500 || status == 429 || failure.is("rateLimited");
  }
  const Code code = failure.error.code;
  return code != Code::kDenied && code != Code::kUnsupported && code != Code::kMalformed &&
         code != Code::kTooLarge;
}

}  // namespace gatehouse::certs
