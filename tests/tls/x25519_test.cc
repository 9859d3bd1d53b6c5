// BoringSSL's X25519 with what we put into it (cmake/boringssl/x25519_adx.patch). Shows what the
// processor at hand uses.
#include <gtest/gtest.h>
#include <openssl/curve25519.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace gatehouse::tls::x25519_test {
namespace {

using Octets = std::array<std::uint8_t, 32>;

Octets octets(std::string_view hex) {
  Octets made{};
  for (std::size_t i = 0; i < made.size(); ++i) {
    made[i] = static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(2 * i, 2)), nullptr, 16));
  }
  return made;
}

Octets base_point() { return {9}; }

Octets multiply(const Octets& scalar, const Octets& point) {
  Octets product{};
  EXPECT_EQ(X25519(product.data(), scalar.data(), point.data()), 1);
  return product;
}

Octets public_of(const Octets& key) {
  Octets made{};
  X25519_public_from_private(made.data(), key.data());
  return made;
}

// RFC 7748 5.2.
TEST(X25519, MultipliesAsTheRfcSays) {
  EXPECT_EQ(multiply(octets("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                     octets("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")),
            octets("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"));
  // The highest bit of a point is to be ignored.
  EXPECT_EQ(multiply(octets("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
                     octets("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493")),
            octets("95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"));
}

// RFC 7748 5.2, the second kind of test.
TEST(X25519, MultipliesAThousandTimesAsTheRfcSays) {
  Octets scalar = base_point();
  Octets point = base_point();
  for (int i = 0; i < 1000; ++i) point = std::exchange(scalar, multiply(scalar, point));
  EXPECT_EQ(scalar, octets("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
}

TEST(X25519, MakesPublicKeysThatTheLadderMakesToo) {
  for (int i = 0; i < 500; ++i) {
    Octets key{};
    Octets made{};
    X25519_keypair(made.data(), key.data());
    EXPECT_EQ(made, multiply(key, base_point()));
    EXPECT_EQ(made, public_of(key));
  }
}

TEST(X25519, RefusesPointsOfSmallOrder) {
  Octets secret{};
  for (const char* point : {"0000000000000000000000000000000000000000000000000000000000000000",
                            "0100000000000000000000000000000000000000000000000000000000000000",
                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    EXPECT_EQ(X25519(secret.data(), base_point().data(), octets(point).data()), 0) << point;
  }
}

}  // namespace
}  // namespace gatehouse::tls::x25519_test
