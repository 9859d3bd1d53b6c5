// JSON posted to the HTTP API of somebody who works for us: a DNS provider, or who is told of
// events.
#pragma once

#include <memory>
#include <string>

#include "base/blocking_pool.h"
#include "base/resolver.h"
#include "http/client.h"
#include "tls/context.h"

namespace gatehouse::certs {

// On control's loop; one post() at a time.
class JsonApi {
 public:
  static constexpr base::Duration kAnswerTime{30'000};      // of one request
  static constexpr std::size_t kLargestAnswer = 64 * 1024;  // bytes

  // All outlive it.
  struct Parts {
    base::Loop& loop;
    base::BlockingPool& blocking;
    base::Resolver& resolver;
  };

  // `ca_file`: PEM roots for https; empty: the system's.
  JsonApi(Parts parts, std::string ca_file);
  ~JsonApi();

  // Posts `json` to `url`; the answer's body. Ends after kAnswerTime or at `deadline`. Errors:
  // kDenied with status and beginning of the body unless the status is 2xx; those of http::Client;
  // of the trust roots, which are read at the first call.
  base::Task<base::Result<std::string>> post(std::string url, http::Fields fields, std::string json,
                                             base::Deadline deadline);

 private:
  base::Task<base::Result<void>> connect(bool https);

  Parts parts_;
  std::string ca_file_;
  std::unique_ptr<tls::ClientContext> trust_;
  std::unique_ptr<http::Client> client_;
};

}  // namespace gatehouse::certs
