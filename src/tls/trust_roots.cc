#include "tls/trust_roots.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <fstream>

#include "tls/pem.h"

namespace gatehouse::tls {

base::Result<std::vector<bssl::UniquePtr<X509>>> read_roots(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    return base::fail(base::Code::kIo, "cannot read the trust roots in " + file);
  }
  std::string text(kMostPem + 1, '\0');  // one byte more than pem_blocks() takes
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  const auto blocks = pem_blocks(text, "CERTIFICATE", kMostRoots);
  if (!blocks) return base::fail(base::Code::kMalformed, file + ": " + blocks.error().detail);
  std::vector<bssl::UniquePtr<X509>> roots;
  for (const auto& der : *blocks) {
    const auto* data = reinterpret_cast<const std::uint8_t*>(der.data());
    roots.emplace_back(d2i_X509(nullptr, &data, static_cast<long>(der.size())));
    if (roots.back()) continue;
    ERR_clear_error();
    return base::fail(base::Code::kMalformed, file + ": a block is no certificate");
  }
  return roots;
}

}  // namespace gatehouse::tls
