// Names by which one request is found again in many logs: W3C Trace Context's traceparent
// (w3.org/TR/trace-context, 3.2), and request ids.
#pragma once

#include <string>

#include "http/fields.h"

namespace gatehouse::proxy {

// The trace-id of the one valid traceparent among the fields, of any version; else empty.
base::Text trace_id_of(const http::Fields& fields);

// 128 random bits in hex.
base::Text random_id();

}  // namespace gatehouse::proxy
