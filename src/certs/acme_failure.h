// What the failure of an order at an ACME CA means for the next try.
#pragma once

#include <string>
#include <vector>

#include "acme/failure.h"
#include "certs/issuer.h"

namespace gatehouse::certs {

// `of_challenge`: a challenge failed, rather than a request.
IssueError to_issue_error(acme::Failure failure, bool of_challenge);

// Which of `names` a problem is about: those of its subproblems (RFC 8555 6.7.1) or, where it has
// none, those that a refusal of identifiers quotes in its words, since CAs that refuse one of many
// name it there.
std::vector<NameError> blamed_names(const acme::Problem& problem,
                                    const std::vector<std::string>& names);

// Whether an order that failed so may still come to its end at the CA: trouble of the network, of
// the CA's servers, or of time.
bool may_be_taken_up(const acme::Failure& failure);

}  // namespace gatehouse::certs
