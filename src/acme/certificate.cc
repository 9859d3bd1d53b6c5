#include "acme/certificate.h"

#include "acme/client.h"
#include "acme/url.h"

namespace gatehouse::acme {

namespace {

using base::Code;
using base::Side;

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

std::string_view without_leading_space(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

}  // namespace

base::Result<void> check_pem_chain(std::string_view body) {
  std::size_t count = 0;
  std::string_view rest = without_leading_space(body);
  while (!rest.empty()) {
    if (!rest.starts_with(kBegin)) {
      return base::fail(Code::kMalformed, Side::kCa,
                        "the CA's certificate chain is not PEM: after " + std::to_string(count) +
                            " certificates stands \"" + printable(rest, 32) + "\"");
    }
    const std::size_t end = rest.find(kEnd);
    if (end == std::string_view::npos) {
      return base::fail(Code::kMalformed, Side::kCa, "the CA's certificate chain is cut off");
    }
    if (++count > kChainLength) {
      return base::fail(Code::kTooLarge, Side::kCa,
                        "the CA's certificate chain has more than " + std::to_string(kChainLength) +
                            " certificates");
    }
    rest = without_leading_space(rest.substr(end + kEnd.size()));
  }
  if (count == 0) {
    return base::fail(Code::kMalformed, Side::kCa, "the CA's certificate chain is empty");
  }
  return {};
}

base::Task<Outcome<DownloadedChain>> download_certificate(Client& client, const Account& account,
                                                          std::string url,
                                                          base::Deadline deadline) {
  auto answer = co_await client.post(account, "the certificate", url, "", deadline,
                                     "application/pem-certificate-chain");
  if (!answer) co_return failed(std::move(answer.error()));
  auto checked = check_pem_chain(answer->body);
  if (!checked) {
    checked.error().detail += ", from " + url;
    co_return failed(std::move(checked.error()));
  }
  DownloadedChain chain;
  chain.pem = std::move(answer->body);
  for (const std::string& reference : answer->alternates) {
    if (auto alternate = resolve_url(url, reference)) {
      chain.alternates.push_back(std::move(*alternate));
    }
  }
  co_return std::move(chain);
}

}  // namespace gatehouse::acme
