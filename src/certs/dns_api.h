// JSON posted to the HTTP API of a DNS provider.
#pragma once

#include <memory>
#include <string>

#include "certs/dns_provider.h"
#include "http/client.h"
#include "tls/context.h"

namespace gatehouse::certs {

// On control's loop; one post() at a time.
class DnsApi {
 public:
  static constexpr base::Duration kAnswerTime{30'000};      // of one request
  static constexpr std::size_t kLargestAnswer = 64 * 1024;  // bytes

  // `ca_file`: PEM roots for https; empty: the system's.
  DnsApi(DnsProviderParts parts, std::string ca_file);
  ~DnsApi();

  // Posts `json` to `url`; the answer's body. Ends after kAnswerTime or at `deadline`. Errors:
  // kDenied with status and beginning of the body unless the status is 2xx; those of http::Client;
  // of the trust roots, which are read at the first call.
  base::Task<base::Result<std::string>> post(std::string url, http::Fields fields, std::string json,
                                             base::Deadline deadline);

 private:
  base::Task<base::Result<void>> connect(bool https);

  DnsProviderParts parts_;
  std::string ca_file_;
  std::unique_ptr<tls::ClientContext> trust_;
  std::unique_ptr<http::Client> client_;
};

}  // namespace gatehouse::certs
