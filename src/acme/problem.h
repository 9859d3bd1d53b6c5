// What a CA says when it refuses (RFC 7807, RFC 8555 6.7), and what a client makes of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gatehouse::acme {

// What the same failure means for what is tried next.
struct Handling {
  bool retry = false;            // the same may work in minutes
  bool other_challenge = false;  // another challenge type may work, in a new order
  bool lasting = false;          // nothing works before somebody has changed something
  bool person = false;           // somebody should be told
};

// One error token of RFC 8555 and its relatives, without "urn:ietf:params:acme:error:".
struct ProblemType {
  std::string_view token;
  Handling handling;
};

// A problem document, or what can be said of an answer that is none.
struct Problem {
  std::string type;      // the token, or another URI as it came; empty when unknown
  std::string detail;    // for people; printable, at most kDetailBytes
  std::string instance;  // a URL to look at (userActionRequired)
  std::uint16_t status = 0;

  // Problems of single identifiers (RFC 8555 6.7.1).
  struct Subproblem {
    std::string type;
    std::string detail;
    std::string identifier;
  };
  std::vector<Subproblem> subproblems;

  static constexpr std::size_t kDetailBytes = 512;

  bool is(std::string_view token) const { return type == token; }
  // Unknown types are judged by the status: 5xx as serverInternal, the rest as malformed. Of
  // several subproblems the gravest counts.
  Handling handling() const;
  // "rateLimited: too many certificates …" with subproblems, in one line.
  std::string text() const;
};

// Reads a problem document. Never fails: an HTML page leaves type and detail empty, or words made
// from the status.
Problem parse_problem(std::uint16_t status, std::string_view body);

// The table's entry, or null.
const ProblemType* find_problem_type(std::string_view token);

// `text` with control characters replaced, cut to `largest` bytes: fit for logs.
std::string printable(std::string_view text, std::size_t largest);

}  // namespace gatehouse::acme
