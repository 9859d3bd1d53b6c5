// What an OCSP responder answers: anybody on the way may have written it.
#include "tls/ocsp_response.h"

#include <openssl/pool.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "tls/certificate.h"
#include "tls/pem.h"

using namespace gatehouse;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

// The certificate that the corpus is about, and its CA, whose key nobody has any more.
constexpr const char* kChain = R"(-----BEGIN CERTIFICATE-----
MIIBOTCB4KADAgECAhRXCHCKSYzm/hQf8gzPvzgYQoKV7zAKBggqhkjOPQQDAjAU
MRIwEAYDVQQDDAlGdXp6ZWQgQ0EwHhcNMjYxMTAxMDAwMDAwWhcNNDYxMTAxMDAw
MDAwWjAUMRIwEAYDVQQDDAlhLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAAQsgKz/TBnAABFkGOtAWJFi77w8xn8wOwsgEAOcwigEIdTF8EETqBnJz+/2
vA6B86mvj7Lukhl9IAZlUgPpYbskoxAwDjAMBgNVHRMBAf8EAjAAMAoGCCqGSM49
BAMCA0gAMEUCIQCQRwsUWGqoF8ddVl07XYPqhKNQAtrxoG17yIkVdkIXXAIgI8vh
gKbFpn1CUAXQhAUGEZxP6oU3HpIF6WbRFuCk6CE=
-----END CERTIFICATE-----
-----BEGIN CERTIFICATE-----
MIIBPTCB46ADAgECAhQp+iL2P+C1YSmVHVOfBS0BxY7g+TAKBggqhkjOPQQDAjAU
MRIwEAYDVQQDDAlGdXp6ZWQgQ0EwHhcNMjYxMTAxMDAwMDAwWhcNNDYxMTAxMDAw
MDAwWjAUMRIwEAYDVQQDDAlGdXp6ZWQgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAATQZU2uWf1sbcNMSIGSRBGcPDq7nqqS5EfYZwNbCqiOVXuCLwqaDDAgV8aj
dOIz1KJGgjzRutISTdkbQ68NjfrAoxMwETAPBgNVHRMBAf8EBTADAQH/MAoGCCqG
SM49BAMCA0kAMEYCIQC7xY347liHnyfRKXAHP4W3+Z97pJk36p0CQmcCNuIwaAIh
APOqRVg6CrKPv/aQP1DrDrViSkxIPWiA0+Y1J7PQ+08/
-----END CERTIFICATE-----
)";

constexpr base::WallTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 26);

tls::OcspQuestion question() {
  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> chain;
  for (const auto& der : tls::pem_blocks(kChain, "CERTIFICATE", 2).value()) {
    chain.emplace_back(
        CRYPTO_BUFFER_new(reinterpret_cast<const std::uint8_t*>(der.data()), der.size(), nullptr));
  }
  return tls::ocsp_question(chain).value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto asked = question();
  const std::string_view response(reinterpret_cast<const char*>(data), size);
  const auto answer = tls::check_ocsp_response(response, asked, kNow);
  if (!answer) {
    check(!answer.error().detail.empty());
    return 0;
  }
  check(answer->this_update <= kNow + tls::kClockSkew && kNow < answer->until);
  check(answer->status == tls::OcspStatus::kRevoked || answer->reason.empty());
  check(size <= tls::kMostOcspResponse);
  return 0;
}
