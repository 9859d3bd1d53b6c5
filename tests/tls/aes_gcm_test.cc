// BoringSSL's AES-GCM with what we put into it (cmake/boringssl/vaes.patch): all lengths around its
// steps, and whole records. Shows what the processor at hand uses.
#include <gtest/gtest.h>
#include <openssl/aead.h>
#include <openssl/sha.h>

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

namespace gatehouse::tls::aes_gcm_test {
namespace {

using Octets = std::vector<std::uint8_t>;

Octets counting(std::size_t size, std::size_t step, std::size_t first) {
  Octets made(size);
  for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<std::uint8_t>(i * step + first);
  return made;
}

std::vector<std::size_t> lengths() {
  std::vector<std::size_t> all(600);
  std::iota(all.begin(), all.end(), 0u);
  for (const std::size_t more : {1007u, 4096u, 5003u, 16384u, 16401u}) all.push_back(more);
  return all;
}

class Aead {
 public:
  explicit Aead(std::size_t key_size) {
    const Octets key = counting(key_size, 1, 0);
    EVP_AEAD_CTX_init(context_.get(),
                      key_size == 16 ? EVP_aead_aes_128_gcm() : EVP_aead_aes_256_gcm(), key.data(),
                      key.size(), 16, nullptr);
  }
  Octets seal(const Octets& nonce, const Octets& plain, const Octets& additional) {
    Octets out(plain.size() + 16);
    std::size_t size = 0;
    EXPECT_EQ(
        EVP_AEAD_CTX_seal(context_.get(), out.data(), &size, out.size(), nonce.data(), nonce.size(),
                          plain.data(), plain.size(), additional.data(), additional.size()),
        1);
    return out;
  }
  // In place, as TLS does it.
  bool open(const Octets& nonce, Octets& sealed, const Octets& additional) {
    std::size_t size = 0;
    const bool good = EVP_AEAD_CTX_open(context_.get(), sealed.data(), &size, sealed.size(),
                                        nonce.data(), nonce.size(), sealed.data(), sealed.size(),
                                        additional.data(), additional.size()) == 1;
    sealed.resize(size);
    return good;
  }

 private:
  bssl::ScopedEVP_AEAD_CTX context_;
};

TEST(AesGcm, SealsAsOthersDo) {
  SHA256_CTX digest;
  SHA256_Init(&digest);
  for (const std::size_t key_size : {16u, 32u}) {
    Aead aead(key_size);
    for (const std::size_t size : lengths()) {
      const Octets sealed =
          aead.seal(counting(12, 3, size), counting(size, 7, size), counting(size % 40, 1, 0));
      SHA256_Update(&digest, sealed.data(), sealed.size());
    }
  }
  std::uint8_t sum[SHA256_DIGEST_LENGTH];
  SHA256_Final(sum, &digest);
  std::string hex;
  for (const std::uint8_t octet : sum) {
    hex += "0123456789abcdef"[octet >> 4];
    hex += "0123456789abcdef"[octet & 15];
  }
  // What OpenSSL 3.0 makes of the same, by Python's cryptography.
  EXPECT_EQ(hex, "06d4a1e7c2d9cfc86681bb71cd71967474313172ae6892860beca90bd304bb6a");
}

TEST(AesGcm, OpensWhatItSealedAndNothingElse) {
  Aead aead(16);
  const Octets nonce = counting(12, 1, 0);
  const Octets additional = counting(5, 1, 0);
  for (const std::size_t size : lengths()) {
    const Octets plain = counting(size, 5, size);
    const Octets sealed = aead.seal(nonce, plain, additional);
    Octets opened = sealed;
    ASSERT_TRUE(aead.open(nonce, opened, additional)) << size;
    EXPECT_EQ(opened, plain) << size;
    for (const std::size_t place : {std::size_t{0}, size / 2, size, size + 15}) {
      Octets forged = sealed;
      forged[place] ^= 0x10;
      EXPECT_FALSE(aead.open(nonce, forged, additional)) << size << " at " << place;
    }
  }
}

}  // namespace
}  // namespace gatehouse::tls::aes_gcm_test
