// Orders that are under way at a CA, kept in storage: one that a crash has cut off is taken up by
// its URL (RFC 8555 7.1.3), rather than that a second one is spent.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/blocking_pool.h"
#include "base/loop.h"
#include "storage/storage.h"
#include "tls/key.h"

namespace gatehouse::certs {

struct OpenOrder {
  std::string url;
  std::string account;  // the URL of whose it is
  std::string profile;  // that was wanted
  std::vector<std::string> names;
  tls::PrivateKey key;  // of the certificate

  OpenOrder() = default;
};

// JSON of one object with a `version`. Holds the private key: a secret.
std::string to_text(const OpenOrder& order);
// Parses a key: belongs on a BlockingPool. Error: kDamaged, saying what is wrong.
base::Result<OpenOrder> parse_open_order(std::string_view text);

// Whether both are of one algorithm and size.
bool same_type(const tls::PrivateKey& a, const tls::PrivateKey& b);

// Those at one issuer, under orders/<issuer id>/<label>. On control's loop; whoever calls
// holds the name's lease.
class OpenOrders {
 public:
  // Both outlive it. `issuer` is Issuer::id().
  OpenOrders(base::BlockingPool& blocking, storage::Storage& storage, std::string issuer)
      : blocking_(blocking), storage_(storage), issuer_(std::move(issuer)) {}

  // The order under this label; nothing when none is open, or it cannot be read.
  base::Task<std::optional<OpenOrder>> find(std::string label);
  // Durable when it returns, or a warning was written: then a crash spends a second order.
  base::Task<void> keep(std::string label, OpenOrder order);
  base::Task<void> forget(std::string label);

 private:
  std::string key_of(std::string_view label) const;

  base::BlockingPool& blocking_;
  storage::Storage& storage_;
  std::string issuer_;
};

}  // namespace gatehouse::certs
