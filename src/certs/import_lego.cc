#include <utility>

#include "certs/foreign_files.h"

namespace gatehouse::certs {

namespace {

namespace fs = std::filesystem;

// "ca.example:14000" of "ca.example_14000".
std::string host_of_folder(std::string name) {
  const auto mark = name.rfind('_');
  const bool port = mark != std::string::npos && mark + 1 < name.size() &&
                    name.find_first_not_of("0123456789", mark + 1) == std::string::npos;
  if (port) name[mark] = ':';
  return name;
}

void add_lego_certificate(const fs::path& chain, Foreign& into) {
  fs::path file = chain;
  const auto resource = read_json_file(file.replace_extension(".json"), kLargestForeignJson);
  ForeignOrigin origin;
  if (resource) origin.host = host_of(string_at(*resource, "certUrl"));
  add_pair(chain, file.replace_extension(".key"), std::move(origin), into);
}

void add_lego_account(const fs::path& folder, const std::string& host, Foreign& into) {
  const auto saved = read_json_file(folder / "account.json", kLargestForeignJson);
  if (!saved) {
    into.rest.push_back(ForeignRest{folder.string(), saved.error().detail});
    return;
  }
  ForeignAccount account;
  account.from = folder.string();
  account.origin.host = host;
  account.email = string_at(*saved, "email");
  account.url = string_at(member_of(*saved, "registration"), "uri");
  const auto key = folder.filename().string() + ".key";
  add_account(std::move(account), folder / "keys" / key, into);
}

}  // namespace

base::Result<Foreign> read_lego(const std::string& folder) {
  const fs::path root(folder);
  auto certificates = entries_of(root / "certificates");
  if (!certificates) return base::fail(std::move(certificates.error()));
  Foreign found;
  for (const fs::path& file : entries_if_any(root / "certificates", found)) {
    const bool chain = file.extension() == ".crt" && file.stem().extension() != ".issuer";
    if (chain) add_lego_certificate(file, found);
  }
  for (const fs::path& server : entries_if_any(root / "accounts", found)) {
    const std::string host = host_of_folder(server.filename().string());
    for (const fs::path& account : entries_if_any(server, found)) {
      add_lego_account(account, host, found);
    }
  }
  return found;
}

}  // namespace gatehouse::certs
