// Where a CA's resources are (RFC 8555 7.1.1).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gatehouse::acme {

struct Directory {
  std::string new_nonce;  // required, as the next two
  std::string new_account;
  std::string new_order;
  std::string revoke_cert;  // optional from here on; empty
  std::string key_change;
  std::string renewal_info;  // RFC 9773

  std::string terms_of_service;
  std::string website;
  bool external_account_required = false;
  // Names of the profiles that it offers (draft-ietf-acme-profiles 3), at most kProfiles.
  std::vector<std::string> profiles;

  // Domain names that CAA records call the CA by, at most kIdentities. A CA has them that signs for
  // the public Internet.
  std::vector<std::string> caa_identities;

  static constexpr std::size_t kProfiles = 64;
  static constexpr std::size_t kIdentities = 16;
};

// Reads the document found at `url`. Errors: kMalformed naming the member, kTooLarge, kDenied.
base::Result<Directory> parse_directory(std::string_view url, std::string_view body);

}  // namespace gatehouse::acme
