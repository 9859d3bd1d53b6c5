// What each type of problem means, as data: what the client tries next, and what a person does.
// docs/acme-errors.md shows this table; a test compares them.
#pragma once

#include <span>
#include <string_view>

namespace gatehouse::acme {

// What the same failure means for what is tried next.
struct Handling {
  bool retry = false;            // the same may work in minutes, or when the CA says so
  bool other_challenge = false;  // another challenge type may work, in a new order
  bool other_issuer = false;     // another CA may see it differently
  bool whole_ca = false;         // it concerns every name at this CA, not just this one
  bool lasting = false;          // nothing works before somebody has changed something
  bool person = false;           // somebody should be told
};

// One error token of RFC 8555 6.7 and its relatives, without "urn:ietf:params:acme:error:".
struct ProblemType {
  std::string_view token;
  Handling handling;
  std::string_view meaning;
  std::string_view advice;  // to a person; empty: there is nothing to do
};

std::span<const ProblemType> problem_types();
// The table's entry, or null.
const ProblemType* find_problem_type(std::string_view token);

}  // namespace gatehouse::acme
