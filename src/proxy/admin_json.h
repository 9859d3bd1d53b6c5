// What admin tells, as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "certs/status.h"

namespace gatehouse::proxy {

using AdminJson = nlohmann::ordered_json;

// Moments are as in RFC 3339, "2030-01-31T12:00:00Z"; what there is not is null.
AdminJson to_json(const certs::CertificateStatus& status);
// {"certificates": […], "next": NAME or null}.
AdminJson to_json(const certs::StatusPage& page);
// {"certificates": [{"name": …, "outcome": …, "error": …}]}.
AdminJson to_json(const std::vector<certs::NameOutcome>& outcomes);
// In one line; bytes that are no UTF-8 are replaced.
std::string text_of(const AdminJson& json);

}  // namespace gatehouse::proxy
