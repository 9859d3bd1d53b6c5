// The signed chain (RFC 8555 7.4.2).
#pragma once

#include <string>
#include <vector>

#include "acme/account.h"
#include "acme/failure.h"

namespace gatehouse::acme {

// Chains of public CAs have 2 to 4 certificates.
inline constexpr std::size_t kChainLength = 16;

// Whether `body` is PEM with 1 to kChainLength certificates and nothing else in between. Error:
// kMalformed or kTooLarge. What the certificates say is for tls::Certificate to judge.
base::Result<void> check_pem_chain(std::string_view body);

struct DownloadedChain {
  std::string pem;                      // leaf first, its issuers after it
  std::vector<std::string> alternates;  // URLs of other chains for the same leaf, at most kLinks
};

// Failures: those of check_pem_chain and Client::post.
base::Task<Outcome<DownloadedChain>> download_certificate(Client& client, const Account& account,
                                                          std::string url, base::Deadline deadline);

}  // namespace gatehouse::acme
