#include "tls/pem.h"

#include <openssl/base64.h>

#include <algorithm>
#include <cstdint>

namespace gatehouse::tls {

namespace {

base::Result<std::string> decode(std::string_view base64) {
  std::string packed(base64);
  std::erase_if(packed, [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
  std::string der(packed.size(), '\0');
  std::size_t size = 0;
  if (!EVP_DecodeBase64(reinterpret_cast<std::uint8_t*>(der.data()), &size, der.size(),
                        reinterpret_cast<const std::uint8_t*>(packed.data()), packed.size()) ||
      size == 0) {
    return base::fail(base::Code::kMalformed, "a PEM block is no base64");
  }
  der.resize(size);
  return der;
}

}  // namespace

base::Result<std::vector<std::string>> pem_blocks(std::string_view text, std::string_view label,
                                                  std::size_t most) {
  if (text.size() > kMostPem) {
    return base::fail(base::Code::kTooLarge, "a PEM text of more than 1 MiB");
  }
  const std::string begin = "-----BEGIN " + std::string(label) + "-----";
  const std::string end = "-----END " + std::string(label) + "-----";
  std::vector<std::string> blocks;
  for (std::size_t at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at)) {
    at += begin.size();
    const auto stop = text.find(end, at);
    if (stop == std::string_view::npos) {
      return base::fail(base::Code::kMalformed,
                        "a PEM block of " + std::string(label) + " has no end");
    }
    if (blocks.size() == most) {
      return base::fail(base::Code::kTooLarge, "more than " + std::to_string(most) + " PEM blocks");
    }
    auto der = decode(text.substr(at, stop - at));
    if (!der) return base::fail(std::move(der.error()));
    blocks.push_back(std::move(*der));
    at = stop + end.size();
  }
  if (blocks.empty()) {
    return base::fail(base::Code::kMalformed, "no PEM block of " + std::string(label));
  }
  return blocks;
}

std::string pem_block(std::string_view label, std::string_view der) {
  std::size_t capacity = 0;
  EVP_EncodedLength(&capacity, der.size());
  std::string base64(capacity, '\0');
  base64.resize(EVP_EncodeBlock(reinterpret_cast<std::uint8_t*>(base64.data()),
                                reinterpret_cast<const std::uint8_t*>(der.data()), der.size()));
  std::string text = "-----BEGIN " + std::string(label) + "-----\n";
  constexpr std::size_t kLine = 64;
  for (std::size_t at = 0; at < base64.size(); at += kLine) {
    text.append(base64, at, kLine);
    text += '\n';
  }
  return text + "-----END " + std::string(label) + "-----\n";
}

}  // namespace gatehouse::tls
