// A wish for a certificate (RFC 8555 7.1.3, 7.4).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acme/account.h"
#include "acme/failure.h"

namespace gatehouse::acme {

struct Order {
  std::string url;
  std::string status;                       // pending, ready, processing, valid, invalid
  std::vector<std::string> authorizations;  // URLs
  std::string finalize;                     // URL; empty when the CA left it out
  std::string certificate;                  // URL, once valid
  std::optional<Problem> error;
};

// Reads the order that has the URL `url`. Errors: kMalformed (no status, a URL that we will not
// ask), kTooLarge, kDenied.
base::Result<Order> parse_order(std::string_view url, std::string_view body);

// What is asked of newOrder.
struct NewOrder {
  std::vector<std::string> names;  // DNS names, or IP literals (RFC 8738)
  std::string profile;             // one of Directory::profiles, or empty
  std::string replaces;            // certificate_id() of the predecessor (RFC 9773 5), or empty

  NewOrder() = default;
  explicit NewOrder(std::vector<std::string> n) : names(std::move(n)) {}
};

base::Task<Outcome<Order>> new_order(Client& client, const Account& account, NewOrder wanted,
                                     base::Deadline deadline);

// Failures: those of Client::post; a CA that does not know it any more mostly says 404.
base::Task<Outcome<Order>> read_order(Client& client, const Account& account, std::string url,
                                      base::Deadline deadline);

// Hands the PKCS#10 request `csr_der` in, and waits until the order is valid: its certificate can
// then be downloaded. `order` is pending with all authorizations valid, or further. Failures:
// kDenied with the CA's reason when the order became invalid; kTimeout; those of Client::post.
base::Task<Outcome<Order>> finalize_order(Client& client, const Account& account, Order order,
                                          std::string csr_der, base::Deadline deadline);

}  // namespace gatehouse::acme
