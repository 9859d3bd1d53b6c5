#include "certs/chain_choice.h"

#include <openssl/pool.h>

#include <algorithm>
#include <tuple>

#include "tls/x509.h"

namespace gatehouse::certs {

namespace {

std::tuple<std::size_t, std::size_t> size_of(const tls::CertificateRef& chain) {
  std::size_t bytes = 0;
  for (const auto& block : chain->chain()) bytes += CRYPTO_BUFFER_len(block.get());
  return {chain->chain().size(), bytes};
}

}  // namespace

std::string top_issuer(const tls::Certificate& chain) {
  const CRYPTO_BUFFER* top = chain.chain().back().get();
  const auto facts = tls::read_facts(std::string_view(
      reinterpret_cast<const char*>(CRYPTO_BUFFER_data(top)), CRYPTO_BUFFER_len(top)));
  return facts ? facts->issuer : std::string();
}

tls::CertificateRef choose_chain(const std::vector<tls::CertificateRef>& chains,
                                 std::string_view preferred) {
  if (chains.empty()) return nullptr;
  if (preferred == "smallest") return *std::ranges::min_element(chains, {}, size_of);
  const auto found = std::ranges::find_if(
      chains, [&](const tls::CertificateRef& chain) { return top_issuer(*chain) == preferred; });
  return found == chains.end() ? nullptr : *found;
}

}  // namespace gatehouse::certs
