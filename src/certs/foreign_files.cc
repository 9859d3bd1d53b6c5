#include "certs/foreign_files.h"

#include <algorithm>
#include <system_error>

#include "certs/text_file.h"

namespace gatehouse::certs {

namespace fs = std::filesystem;

base::Result<Entries> entries_of(const fs::path& folder) {
  std::error_code error;
  Entries entries;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    entries.cut = entries.paths.size() == kMostForeign;
    if (entries.cut) break;
    entries.paths.push_back(at->path());
  }
  if (error) {
    return base::fail(
        base::from_errno(error.value(), base::Side::kLocal, "cannot read " + folder.string()));
  }
  std::ranges::sort(entries.paths);
  return entries;
}

std::vector<fs::path> entries_if_any(const fs::path& folder, Foreign& into) {
  auto entries = entries_of(folder);
  if (!entries && entries.error().code != base::Code::kNotFound) {
    into.rest.push_back(ForeignRest{folder.string(), entries.error().detail});
  }
  if (!entries) return {};
  if (entries->cut) {
    into.rest.push_back(ForeignRest{
        folder.string(), "only the first " + std::to_string(kMostForeign) + " entries were read"});
  }
  return std::move(entries->paths);
}

base::Result<Json> read_json_file(const fs::path& file, std::size_t most) {
  auto text = read_text_file(file.string(), most);
  if (!text) return base::fail(std::move(text.error()));
  Json object = Json::parse(*text, nullptr, false);
  if (object.is_object()) return object;
  return base::fail(base::Code::kMalformed, file.string() + " holds no JSON object");
}

const Json& member_of(const Json& object, std::string_view member) {
  static const Json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(member);
  return found == object.end() ? kNone : *found;
}

std::string string_at(const Json& object, std::string_view member) {
  const Json& found = member_of(object, member);
  return found.is_string() ? found.get<std::string>() : std::string();
}

std::string email_of(const Json& contacts) {
  constexpr std::string_view kScheme = "mailto:";
  if (!contacts.is_array()) return {};
  for (const Json& contact : contacts) {
    if (!contact.is_string()) continue;
    const auto text = contact.get<std::string>();
    if (text.starts_with(kScheme)) return text.substr(kScheme.size());
  }
  return {};
}

std::string host_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.find('/')));
}

void add_pair(const fs::path& chain, const fs::path& key, ForeignOrigin origin, Foreign& into) {
  auto chain_pem = read_text_file(chain.string());
  auto key_pem = chain_pem ? read_text_file(key.string()) : chain_pem;
  if (!key_pem) {
    into.rest.push_back(ForeignRest{chain.string(), key_pem.error().detail});
    return;
  }
  into.certificates.push_back(ForeignCertificate{chain.string(), std::move(origin),
                                                 std::move(*chain_pem), std::move(*key_pem)});
}

void add_account(ForeignAccount account, const fs::path& key, Foreign& into) {
  base::Result<tls::PrivateKey> read = base::fail(base::Code::kMalformed, "");
  auto pem = read_text_file(key.string());
  if (!pem) {
    read = base::fail(std::move(pem.error()));
  } else {
    read = tls::PrivateKey::from_pem(*pem);
  }
  if (!read) {
    into.rest.push_back(ForeignRest{account.from, read.error().detail});
    return;
  }
  account.key = std::move(*read);
  into.accounts.push_back(std::move(account));
}

}  // namespace gatehouse::certs
