// How it stands with certificates, for people to read.
#pragma once

#include <string>

#include "proxy/admin_json.h"

namespace gatehouse::proxy {

// A list of what to_json(CertificateStatus) makes: a line each below the columns' names. Control
// characters are shown as "?": what a CA said must not steer a terminal.
std::string certificates_table(const AdminJson& certificates);
// One of them, a line a fact; what there is not is left out.
std::string certificate_lines(const AdminJson& certificate);

}  // namespace gatehouse::proxy
