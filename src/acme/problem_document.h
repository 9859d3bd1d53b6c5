// For parsers that meet a problem inside another object (orders, challenges).
#pragma once

#include "acme/document.h"
#include "acme/problem.h"

namespace gatehouse::acme {

Problem read_problem(const Json& object);

}  // namespace gatehouse::acme
