#include <utility>

#include "certs/foreign_files.h"
#include "certs/issuer_id.h"

namespace gatehouse::certs {

namespace {

namespace fs = std::filesystem;

// Caddy calls a CA's folder by the directory's URL, as we do.
ForeignOrigin caddy_origin(const fs::path& issuer) {
  ForeignOrigin origin;
  origin.issuer = issuer_id_of(issuer.filename().string());
  return origin;
}

void add_caddy_certificate(const fs::path& folder, const ForeignOrigin& origin, Foreign& into) {
  const auto name = folder.filename().string();
  add_pair(folder / (name + ".crt"), folder / (name + ".key"), origin, into);
}

// USER.json and USER.key, where USER is the first part of the e-mail address.
void add_caddy_account(const fs::path& folder, const ForeignOrigin& origin, Foreign& into) {
  for (const fs::path& file : entries_if_any(folder, into)) {
    if (file.extension() != ".json") continue;
    const auto saved = read_json_file(file, kLargestForeignJson);
    if (!saved) {
      into.rest.push_back(ForeignRest{file.string(), saved.error().detail});
      continue;
    }
    ForeignAccount account;
    account.from = file.string();
    account.origin = origin;
    account.email = email_of(member_of(*saved, "contact"));
    account.url = string_at(*saved, "location");
    fs::path key = file;
    add_account(std::move(account), key.replace_extension(".key"), into);
  }
}

}  // namespace

base::Result<Foreign> read_caddy(const std::string& folder) {
  const fs::path root(folder);
  auto issuers = entries_of(root / "certificates");
  if (!issuers) return base::fail(std::move(issuers.error()));
  Foreign found;
  for (const fs::path& issuer : entries_if_any(root / "certificates", found)) {
    for (const fs::path& certificate : entries_if_any(issuer, found)) {
      if (issuer.filename() == "local") {
        found.rest.push_back(ForeignRest{certificate.string(),
                                         "Caddy's internal CA signed it; ours does that here"});
        continue;
      }
      add_caddy_certificate(certificate, caddy_origin(issuer), found);
    }
  }
  for (const fs::path& issuer : entries_if_any(root / "acme", found)) {
    for (const fs::path& user : entries_if_any(issuer / "users", found)) {
      add_caddy_account(user, caddy_origin(issuer), found);
    }
  }
  return found;
}

}  // namespace gatehouse::certs
