#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include "acme/private_jwk.h"
#include "certs/foreign_files.h"
#include "certs/text_file.h"

namespace gatehouse::certs {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestRenewal = 64 * 1024;  // bytes of a renewal/NAME.conf
constexpr int kDeepestAccount = 12;                 // folders between accounts/ and an account

// What a renewal configuration (ConfigObj: "key = value") says of a certificate.
struct CertbotRenewal {
  std::string server;   // directory URL
  std::string account;  // the name of its folder
};

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

CertbotRenewal certbot_renewal(const fs::path& file) {
  CertbotRenewal renewal;
  const auto text = read_text_file(file.string(), kLargestRenewal);
  std::istringstream lines(text ? *text : "");
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = trimmed(std::string_view(line).substr(0, equals));
    if (key == "server") renewal.server = trimmed(std::string_view(line).substr(equals + 1));
    if (key == "account") renewal.account = trimmed(std::string_view(line).substr(equals + 1));
  }
  return renewal;
}

// An account's folder: regr.json, private_key.json, meta.json.
void add_certbot_account(const fs::path& folder, const std::string& directory, Foreign& into) {
  const auto refuse = [&](const base::Error& error) {
    into.rest.push_back(ForeignRest{folder.string(), error.detail});
  };
  const auto registration = read_json_file(folder / "regr.json", kLargestForeignJson);
  if (!registration) return refuse(registration.error());
  const auto jwk = read_text_file((folder / "private_key.json").string());
  if (!jwk) return refuse(jwk.error());
  auto key = acme::key_of_jwk(*jwk);
  if (!key) return refuse(key.error());
  ForeignAccount account;
  account.from = folder.string();
  account.origin.directory = directory;
  // certbot 2 does not keep the contact.
  const Json& contacts = member_of(member_of(*registration, "body"), "contact");
  if (contacts.is_array()) account.email = email_of(contacts);
  account.url = string_at(*registration, "uri");
  account.key = std::move(*key);
  into.accounts.push_back(std::move(account));
}

// accounts/HOST/PATH/ID, where https://HOST/PATH is the directory. Links to other servers' folders,
// which certbot makes of ACME's old version, are not followed.
void add_certbot_accounts(const fs::path& accounts, Foreign& into) {
  std::error_code error;
  fs::recursive_directory_iterator at(accounts, error);
  for (std::size_t seen = 0; !error && at != fs::recursive_directory_iterator();
       at.increment(error)) {
    if (++seen > kMostForeign) break;
    if (at.depth() >= kDeepestAccount) at.disable_recursion_pending();
    if (at->path().filename() != "regr.json") continue;
    const fs::path folder = at->path().parent_path();
    const fs::path server = folder.parent_path().lexically_relative(accounts);
    add_certbot_account(folder, "https://" + server.generic_string(), into);
  }
}

}  // namespace

base::Result<Foreign> read_certbot(const std::string& folder) {
  const fs::path root(folder);
  auto live = entries_of(root / "live");
  if (!live) return base::fail(std::move(live.error()));
  Foreign found;
  std::map<std::string, std::size_t> used;  // accounts by the name of their folder
  for (const fs::path& lineage : entries_if_any(root / "live", found)) {
    std::error_code ignored;
    if (!fs::is_directory(lineage, ignored)) continue;  // README
    const auto name = lineage.filename().string();
    const CertbotRenewal renewal = certbot_renewal(root / "renewal" / (name + ".conf"));
    ++used[renewal.account];
    ForeignOrigin origin;
    origin.directory = renewal.server;
    add_pair(lineage / "fullchain.pem", lineage / "privkey.pem", std::move(origin), found);
  }
  add_certbot_accounts(root / "accounts", found);
  const auto uses = [&](const ForeignAccount& account) {
    const auto count = used.find(fs::path(account.from).filename().string());
    return std::pair(count == used.end() ? 0 : count->second, account.from);
  };
  std::ranges::sort(found.accounts, std::greater(), uses);
  return found;
}

}  // namespace gatehouse::certs
