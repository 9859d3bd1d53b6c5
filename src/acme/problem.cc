#include "acme/problem.h"

#include <algorithm>
#include <array>

#include "acme/problem_document.h"

namespace gatehouse::acme {

namespace {

constexpr std::string_view kPrefix = "urn:ietf:params:acme:error:";

constexpr Handling kSoon{true, false, false, false};
constexpr Handling kOtherChallenge{true, true, false, false};
constexpr Handling kLasting{false, false, true, true};

// RFC 8555 6.7, RFC 8738, RFC 8739, RFC 9115, RFC 9773, RFC 9799, and tokens of single CAs.
constexpr std::array kTypes{
    ProblemType{"accountDoesNotExist", kSoon},
    ProblemType{"alreadyReplaced", kSoon},
    ProblemType{"alreadyRevoked", kLasting},
    ProblemType{"autoRenewalCanceled", kLasting},
    ProblemType{"autoRenewalCancellationInvalid", kLasting},
    ProblemType{"autoRenewalExpired", kLasting},
    ProblemType{"autoRenewalRevocationNotSupported", kLasting},
    ProblemType{"badCSR", kLasting},
    ProblemType{"badNonce", kSoon},
    ProblemType{"badPublicKey", kLasting},
    ProblemType{"badRevocationReason", kLasting},
    ProblemType{"badSignatureAlgorithm", kLasting},
    ProblemType{"caa", kLasting},
    ProblemType{"conflict", kSoon},
    ProblemType{"connection", kOtherChallenge},
    ProblemType{"dns", kOtherChallenge},
    ProblemType{"externalAccountRequired", kLasting},
    ProblemType{"incorrectResponse", kOtherChallenge},
    ProblemType{"invalidContact", kLasting},
    ProblemType{"invalidProfile", kLasting},
    ProblemType{"malformed", kLasting},
    ProblemType{"onionCAARequired", kLasting},
    ProblemType{"orderNotReady", kSoon},
    ProblemType{"rateLimited", kSoon},
    ProblemType{"rejectedIdentifier", kLasting},
    ProblemType{"serverInternal", kOtherChallenge},
    ProblemType{"tls", kOtherChallenge},
    // Of a challenge: wrong answer seen. Of an order or account it lasts, but then no challenge
    // is under way that another type could replace.
    ProblemType{"unauthorized", kOtherChallenge},
    ProblemType{"unknownDelegation", kLasting},
    ProblemType{"unsupportedContact", kLasting},
    ProblemType{"unsupportedIdentifier", kLasting},
    ProblemType{"userActionRequired", kLasting},
};

std::string token_of(std::string uri) {
  if (uri == "about:blank") return {};
  return uri.starts_with(kPrefix) ? uri.substr(kPrefix.size()) : printable(uri, 128);
}

Handling handling_of(std::string_view token, std::uint16_t status) {
  if (const ProblemType* known = find_problem_type(token)) return known->handling;
  if (status == 429) return kSoon;
  return status >= 500 || status == 0 ? kOtherChallenge : kLasting;
}

}  // namespace

std::string printable(std::string_view text, std::size_t largest) {
  std::string out(text.substr(0, largest));
  // Not in the middle of a UTF-8 sequence.
  if (text.size() > largest) {
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xC0) out.pop_back();
    out += "…";
  }
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return out;
}

const ProblemType* find_problem_type(std::string_view token) {
  const auto found = std::ranges::find(kTypes, token, &ProblemType::token);
  return found == kTypes.end() ? nullptr : &*found;
}

Handling Problem::handling() const {
  if (subproblems.empty()) return handling_of(type, status);
  Handling all{true, true, false, false};
  for (const Subproblem& sub : subproblems) {
    const Handling one = handling_of(sub.type, status);
    all.retry = all.retry && one.retry;
    all.other_challenge = all.other_challenge && one.other_challenge;
    all.lasting = all.lasting || one.lasting;
    all.person = all.person || one.person;
  }
  return all;
}

std::string Problem::text() const {
  std::string out = type;
  if (type.empty()) out = status == 0 ? "unknown problem" : "status " + std::to_string(status);
  if (!detail.empty()) out += ": " + detail;
  for (const Subproblem& sub : subproblems) {
    out += "; " + sub.identifier + ": " + sub.type;
    if (!sub.detail.empty()) out += ": " + sub.detail;
    if (out.size() > 4 * kDetailBytes) break;
  }
  return printable(out, 4 * kDetailBytes);
}

Problem read_problem(const Json& object) {
  Problem problem;
  problem.type = token_of(text_at(object, "type"));
  problem.detail = printable(text_at(object, "detail"), Problem::kDetailBytes);
  problem.instance = printable(text_at(object, "instance"), Problem::kDetailBytes);
  const int status = number_at(object, "status", 0);
  if (status >= 100 && status < 600) problem.status = static_cast<std::uint16_t>(status);
  for (const Json* entry : objects_at(object, "subproblems")) {
    Problem::Subproblem sub;
    sub.type = token_of(text_at(*entry, "type"));
    sub.detail = printable(text_at(*entry, "detail"), Problem::kDetailBytes);
    if (const Json* identifier = object_at(*entry, "identifier")) {
      sub.identifier = printable(text_at(*identifier, "value"), 256);
    }
    problem.subproblems.push_back(std::move(sub));
  }
  return problem;
}

Problem parse_problem(std::uint16_t status, std::string_view body) {
  Problem problem;
  if (auto object = parse_object(body)) problem = read_problem(*object);
  problem.status = status;
  return problem;
}

}  // namespace gatehouse::acme
