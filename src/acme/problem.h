// What a CA says when it refuses (RFC 7807, RFC 8555 6.7), and what a client makes of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "acme/problem_types.h"
#include "base/error.h"

namespace gatehouse::acme {

// A problem document, or what can be said of an answer that is none.
struct Problem {
  std::string type;      // the token, or another URI as it came; empty when unknown
  std::string detail;    // for people; printable, at most kDetailBytes
  std::string instance;  // a URL to look at (userActionRequired)
  std::uint16_t status = 0;
  // The answer was none: a page of HTML, an empty body. Whoever stands between us and the CA
  // answers so, and the CA itself when it is down.
  bool page = false;

  // Problems of single identifiers (RFC 8555 6.7.1).
  struct Subproblem {
    std::string type;
    std::string detail;
    std::string identifier;
  };
  std::vector<Subproblem> subproblems;

  static constexpr std::size_t kDetailBytes = 512;

  bool is(std::string_view token) const { return type == token; }
  // Unknown types are judged by the status: 429 as rateLimited, 5xx as serverInternal, the rest as
  // malformed; a page as serverInternal, if it is no 429. Of several subproblems the gravest
  // counts.
  Handling handling() const;
  // Whether everybody who asks now would be told the same: the CA has too much to do, or answers no
  // ACME, or a rateLimited is about the account rather than about the name. Let's Encrypt tells
  // limits apart by its words alone.
  bool concerns_everybody() const;
  // What a person does about it; empty: nothing, or nothing is known.
  std::string_view advice() const;
  // "rateLimited: too many certificates …" with subproblems, in one line.
  std::string text() const;
};

// Reads a problem document. Never fails: an HTML page leaves type and detail empty.
Problem parse_problem(std::uint16_t status, std::string_view body);

// `text` with control characters replaced, cut to `largest` bytes: fit for logs.
std::string printable(std::string_view text, std::size_t largest);

}  // namespace gatehouse::acme
