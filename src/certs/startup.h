// What happens at start, beside the listeners: certificates of sites are loaded, and the storage is
// walked for the renewal dates of names on demand.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/loop.h"
#include "certs/certificate_events.h"
#include "certs/host_rules.h"
#include "certs/inventory.h"
#include "certs/issuers.h"
#include "certs/orders.h"
#include "certs/schedule.h"
#include "config/model.h"
#include "tls/certificate_store.h"

namespace gatehouse::certs {

// All outlive the tasks.
struct StartupParts {
  const HostRules& rules;
  Issuers& issuers;
  Inventory& inventory;
  Orders& orders;
  Schedule& schedule;
  tls::CertificateStore& certificates;
  WallClock now;
  const bool& stopping;
  RenewalPolls& polls;
  RenewalPolicy renewal;
  CertificateEvents& events;
};

// Serves what storage has for the hosts of managed sites, and puts the others down for an order
// now.
base::Task<void> load_managed(StartupParts parts);
// Puts down the renewals of names on demand, slice by slice; certificates themselves are loaded
// when somebody asks for them. Takes up their orders that were cut off. Forgets failures that are
// long over.
base::Task<void> scan_storage(StartupParts parts);

// A certificate and its key from PEM files. Blocks: before loops run. Errors: kNotFound, kIo,
// kMalformed and kDenied (the key does not match), naming the files.
base::Result<tls::CertificateRef> read_certificate_files(const config::CertificateFiles& files);

// What a certificate from a site's files is served for: the site's hosts; for "*": the names in the
// certificate that no site has as its own.
std::vector<std::string> served_names(const config::Config& config, const config::Site& site,
                                      const tls::Certificate& certificate);

// Logs what is odd about a certificate from a site's files: it is not valid now, or does not cover
// a host.
void warn_of_hosts(const config::Site& site, const std::string& file,
                   const tls::Certificate& certificate);

// Why the second of a site's two certificates cannot be used.
base::Error same_kind(const config::CertificateFiles& files);

// Reads the certificates that sites have in files and serves them for the sites' hosts (for "*":
// for the names in the certificate). Of a site with two each client gets the one that it can check.
// Blocks: before loops run. Errors: kNotFound, kIo, kMalformed and kDenied (the key does not match,
// or is of the same kind as that of the other), naming the site and the files; a line for each.
base::Result<> load_certificate_files(const config::Config& config,
                                      tls::CertificateStore& certificates);

// Reads the trust roots (ca_file) of every ACME issuer and its `dns` once, and looks whether
// programs can be run: what is wrong with them is told at start and not by the first order. Blocks.
// Errors: kIo, kMalformed naming place and file; a line each.
base::Result<> check_trust_files(const config::Config& config);

}  // namespace gatehouse::certs
