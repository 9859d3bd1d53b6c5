// Which methods are forwarded (RFC 9110 9).
#pragma once

#include <string_view>

#include "http/refusal.h"

namespace gatehouse::http {

// CONNECT and TRACE are refused with 405, and what is not registered with 501: a parser behind us
// knows no others either. Methods are compared with case.
Refusal check_method(std::string_view method);

}  // namespace gatehouse::http
