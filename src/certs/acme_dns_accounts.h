// Accounts that we have registered ourselves at a server of acme-dns: one for each name that holds
// values of challenges, since all that a server tells apart are accounts.
#pragma once

#include <string>
#include <string_view>

#include "base/loop.h"
#include "certs/json_api.h"
#include "storage/storage.h"

namespace gatehouse::certs {

// As /register has given it.
struct AcmeDnsAccount {
  std::string username;
  std::string password;  // Secret.
  std::string subdomain;
  std::string fulldomain;  // where its values stand, in lower case, no dot at its end
};

// On control's loop. Keys: acme_dns/<host and path of the server>/<the name>; who moves a server
// from http to https keeps them.
class AcmeDnsAccounts {
 public:
  static constexpr base::Duration kTime{60'000};    // of one call, waiting included
  static constexpr std::size_t kLongestWord = 256;  // bytes of what /register may give
  static constexpr std::string_view kFolder = "acme_dns";

  // `storage` outlives it. `url`: of the server's API.
  AcmeDnsAccounts(storage::Storage& storage, std::string url);

  // The account for `name`, such as "_acme-challenge.a.example": what storage has, else a new one,
  // which is in storage before it is told of. One process at a time registers for a name, so that
  // another finds what the first has stored. Through `api`, which outlives the call. Errors name
  // the server, and say what can be done: those of storage and of JsonApi; kTimeout while another
  // process registers; kMalformed for an answer that is no account.
  base::Task<base::Result<AcmeDnsAccount>> of(std::string name, JsonApi& api,
                                              base::Deadline deadline);

 private:
  base::Task<base::Result<AcmeDnsAccount>> load(std::string key);
  base::Task<base::Result<AcmeDnsAccount>> register_for(std::string name, JsonApi& api,
                                                        base::Deadline deadline);

  storage::Storage& storage_;
  std::string url_;
};

}  // namespace gatehouse::certs
