#include "proxy/client_auths.h"

namespace gatehouse::proxy {

base::Result<std::unique_ptr<const ClientAuths>> ClientAuths::load(const config::Config& config) {
  auto made = std::make_unique<ClientAuths>();
  std::string wrong;
  for (std::size_t i = 0; i < config.sites.size(); ++i) {
    const auto& options = config.sites[i].tls.client_auth;
    if (!options || made->find(*options) != nullptr) continue;
    const bool required = options->mode == config::ClientAuth::Mode::kRequire;
    auto loaded = tls::ClientAuth::load(options->ca_file, required);
    if (loaded) {
      made->all_.emplace(*options, std::move(*loaded));
      continue;
    }
    if (!wrong.empty()) wrong += "\n";
    wrong += "/sites/" + std::to_string(i) + "/tls/client_auth/ca_file: " + loaded.error().detail;
  }
  if (!wrong.empty()) return base::fail(base::Code::kMalformed, std::move(wrong));
  return made;
}

const tls::ClientAuth* ClientAuths::find(const config::ClientAuth& options) const {
  const auto found = all_.find(options);
  return found == all_.end() ? nullptr : found->second.get();
}

}  // namespace gatehouse::proxy
