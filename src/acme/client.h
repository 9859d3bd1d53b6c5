// Requests to one CA: signed, with nonces kept and repeated as RFC 8555 6 tells.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acme/account.h"
#include "acme/directory.h"
#include "acme/failure.h"
#include "acme/nonces.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/loop.h"
#include "http/client.h"

namespace gatehouse::acme {

// An answer with a status of 2xx.
struct Answer {
  std::string url;  // where it came from
  std::string body;
  std::string location;  // as received; may be relative
  std::optional<std::chrono::seconds> retry_after;
  std::vector<std::string> alternates;  // of Link fields (RFC 8555 7.4.2); may be relative
};

// One loop, its thread; many requests may run at once. Owners keep one for as long as they talk to
// the CA: it holds the nonces and the directory.
class Client {
 public:
  static constexpr base::Duration kRequestTime{30'000};   // one exchange, at most
  static constexpr unsigned kNonceTries = 10;             // after badNonce
  static constexpr unsigned kServerTries = 3;             // after 5xx or a broken connection
  static constexpr base::Duration kServerPause{250};      // doubled each time
  static constexpr std::chrono::seconds kWaitInPlace{5};  // a longer Retry-After is the caller's
  static constexpr base::Duration kDirectoryAge{3600'000};

  // `loop` and `http` outlive the client. `directory_url` has passed check_url.
  Client(base::Loop& loop, http::Client& http, std::string directory_url);

  const std::string& directory_url() const { return directory_url_; }
  base::Loop& loop() { return loop_; }

  // The CA's directory, at most kDirectoryAge old; fetched once for all who ask at the same time.
  base::Task<Outcome<Directory>> directory(base::Deadline deadline);

  // Sends `payload` (JSON, or empty for POST-as-GET) signed by `account`: by its key alone as long
  // as it has no URL. `what` names the request in errors. A badNonce is repeated with the nonce
  // that came with it; 5xx and broken connections are repeated too. Failures: with the CA's
  // problem and Retry-After where it answered, and with the URL to open where a person has to agree
  // to new terms (RFC 8555 7.3.3); kTimeout at the deadline; those of http::Client.
  base::Task<Outcome<Answer>> post(const Account& account, std::string what, std::string url,
                                   std::string payload, base::Deadline deadline,
                                   std::string accept = "application/json");

  // Reads what is open to all: no account, no signature. Repeats and fails as post().
  base::Task<Outcome<Answer>> get(std::string what, std::string url, base::Deadline deadline);

 private:
  // One fetch of the directory, and how it ended.
  struct Fetch {
    explicit Fetch(base::Loop& loop) : ended(loop) {}
    base::Event ended;
    Outcome<Directory> outcome;
  };

  base::Task<Outcome<Directory>> fetch_directory(base::Deadline deadline);
  std::string terms() const;  // of service, as far as the directory is known
  base::Task<Outcome<std::string>> nonce(base::Deadline deadline);
  base::Task<Outcome<Answer>> fetch(std::string what, std::string method, std::string url,
                                    base::Deadline deadline);
  base::Task<base::Result<http::ClientResponse>> send(http::ClientRequest request,
                                                      base::Deadline deadline);

  base::Loop& loop_;
  http::Client& http_;
  std::string directory_url_;
  Nonces nonces_;
  std::optional<Directory> directory_;
  base::TimePoint directory_since_;
  std::shared_ptr<Fetch> fetching_;  // the directory, under way
};

}  // namespace gatehouse::acme
