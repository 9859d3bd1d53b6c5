// All that is needed to talk to one ACME CA as its customer: trust, an HTTP client, an account.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acme/account.h"
#include "acme/challenge.h"
#include "acme/client.h"
#include "base/blocking_pool.h"
#include "base/resolver.h"
#include "certs/acme_account.h"
#include "certs/challenge_choice.h"
#include "certs/pace.h"
#include "certs/rehearsal.h"
#include "http/client.h"
#include "storage/storage.h"
#include "tls/context.h"

namespace gatehouse::certs {

struct AcmeOptions {
  std::string directory;                  // URL: https, or plain http to a loopback host
  std::string email;                      // contact; may be empty
  std::vector<std::string> other_emails;  // of other accounts that are wanted at the same CA
  base::Duration account_key_age{0};      // the account's key is changed when older; 0: never
  std::optional<acme::ExternalAccount> external;
  std::string ca_file;  // PEM roots that the CA's own HTTPS is checked with; empty: the system's
  // That can be answered by the listeners and the DNS that there are, in order of preference.
  std::vector<acme::ChallengeType> challenges{acme::ChallengeType::kTlsAlpn01,
                                              acme::ChallengeType::kHttp01};
  DnsUse dns = DnsUse::kAll;  // of dns-01, when it is one of them
  std::string profile;        // of certificates; empty: the CA's own choice
  bool profile_required = true;
  std::string address_profile;  // where `profile` is empty and a name is an address
  bool preflight = true;  // what DNS says is asked before an order, and our listeners before a CA
  // Where a CA comes to, and we ask first what stands there when DNS leads a name to others.
  struct Probe {
    std::uint16_t http = 80;
    std::uint16_t https = 443;
    bool any = false;  // also at addresses that no CA could come to
  };
  Probe probe;
  std::vector<OwnListener> listeners;     // of this process; none: they are not asked
  std::vector<base::IpRange> proxied;     // who must send them a PROXY header first
  std::vector<base::Endpoint> resolvers;  // who is asked; empty: the system's
  const CaLimits* limits = nullptr;       // that are kept; null: those that the CA publishes
  std::string preferred_chain;            // as choose_chain() takes it; empty: the CA's own choice
  std::string user_agent;                 // product and where to learn more of it

  AcmeOptions() = default;
};

struct AcmeConnection {
  // All outlive it.
  struct Parts {
    base::Loop& loop;  // control's, or a command's own
    base::BlockingPool& blocking;
    base::Resolver& resolver;
    storage::Storage& storage;
  };
  // What is read and made on the blocking pool.
  struct Material {
    std::unique_ptr<tls::ClientContext> trust;
    tls::PrivateKey challenge_key;
  };

  // Reads the roots; asks the CA for nothing yet. Errors: kMalformed for a directory that is no
  // URL, and those of tls::ClientContext::make.
  static base::Task<base::Result<std::unique_ptr<AcmeConnection>>> make(Parts parts,
                                                                        AcmeOptions options);
  AcmeConnection(const Parts& parts, const AcmeOptions& options, Material made);

  std::unique_ptr<tls::ClientContext> trust;
  tls::PrivateKey challenge_key;  // of answers to TLS-ALPN-01
  http::Client http;
  acme::Client client;
  AcmeAccount account;
};

}  // namespace gatehouse::certs
