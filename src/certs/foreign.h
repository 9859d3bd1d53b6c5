// What other programs keep of certificates and ACME accounts: their folders, read as they lie
// there. Nothing is checked here but that it can be read; import.h does that.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "tls/key.h"

namespace gatehouse::certs {

// Whose: as exactly as the program wrote it down. All empty: it did not.
struct ForeignOrigin {
  std::string directory;  // URL
  std::string issuer;     // as issuer_id_of() of the directory's URL
  std::string host;       // of the CA, with a port that is not 443
};

struct ForeignCertificate {
  std::string from;  // the file, for people
  ForeignOrigin origin;
  std::string chain_pem;
  std::string key_pem;
};

struct ForeignAccount {
  std::string from;
  ForeignOrigin origin;
  std::optional<std::string> email;  // "" where it has none; nothing where the program does not say
  std::string url;
  tls::PrivateKey key;
};

// What lies there and is of no use, and why.
struct ForeignRest {
  std::string from;
  std::string reason;
};

struct Foreign {
  std::vector<ForeignCertificate> certificates;
  std::vector<ForeignAccount> accounts;  // of one CA: the one most in use first
  std::vector<ForeignRest> rest;
};

// Entries of one folder that are read; what is beyond is told as one of `rest`.
inline constexpr std::size_t kMostForeign = 100'000;
inline constexpr std::size_t kLargestForeignJson = 1024 * 1024;     // bytes
inline constexpr std::size_t kLargestAcmeJson = 256 * 1024 * 1024;  // bytes; holds everything

// All block. Errors: kNotFound, kDenied, kIo when the folder (file) itself cannot be read.

// certbot's --config-dir: live/NAME, renewal/NAME.conf for the server, accounts/SERVER/…/ID.
base::Result<Foreign> read_certbot(const std::string& folder);
// lego's --path: certificates/NAME.{crt,key,json}, accounts/SERVER/EMAIL.
base::Result<Foreign> read_lego(const std::string& folder);
// Caddy's data folder: certificates/ISSUER/NAME, acme/ISSUER/users/EMAIL.
base::Result<Foreign> read_caddy(const std::string& folder);
// Traefik's acme.json, of version 2 or later.
base::Result<Foreign> read_traefik(const std::string& file);

}  // namespace gatehouse::certs
