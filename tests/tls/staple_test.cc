#include "tls/staple.h"

#include <gtest/gtest.h>

#include "tests/tls/tls_server.h"

namespace gatehouse::tls::staple_test {
namespace {

struct StapleTest : testing::Test {
  // What a client is shown beside the certificate.
  std::string shown(bool wants, std::uint16_t version = TLS1_3_VERSION) {
    std::string staple;
    RawOptions options;
    options.wants_staple = wants;
    options.lowest = options.highest = version;
    const auto ended = server.with_client(
        options, [this](Transport& transport) { return shake(transport, &server, certificate); },
        [&](RawClient& client) {
          EXPECT_TRUE(client.handshake());
          staple = client.staple();
        });
    EXPECT_TRUE(ended) << (ended ? "" : ended.error().detail);
    return staple;
  }
  static base::Task<base::Result<void>> shake(Transport& transport, TlsServer* server,
                                              CertificateRef certificate) {
    auto hello = co_await transport.client_hello(*server->context, soon());
    if (!hello) co_return base::fail(std::move(hello.error()));
    co_return co_await transport.handshake(std::move(certificate), false, soon());
  }
  static CertificateRef make(const TestCa& ca) {
    TestRequest request;
    request.names = {"a.example"};
    request.responder = "http://ocsp.example";
    return ca.certificate(request);
  }

  TlsServer server;
  CertificateRef certificate = make(server.ca);
};

TEST_F(StapleTest, IsShownToWhoAsksForItAndToNobodyElse) {
  EXPECT_EQ(shown(true), "");
  certificate->staple()->put("what the CA says", base::wall_now() + std::chrono::hours(1));
  for (const auto version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_EQ(shown(true, version), "what the CA says");
    EXPECT_EQ(shown(false, version), "");
  }
  certificate->staple()->clear();
  EXPECT_EQ(shown(true), "");
}

TEST_F(StapleTest, IsNotShownFromTheMomentOnThatItRunsOut) {
  certificate->staple()->put("old", base::wall_now());
  EXPECT_EQ(shown(true), "");
  EXPECT_LE(certificate->staple()->until(), base::wall_now());
}

TEST_F(StapleTest, OfACertificateWithoutResponderHasNoPlace) {
  certificate = server.ca.certificate({"a.example"});
  EXPECT_EQ(certificate->staple(), nullptr);
  EXPECT_EQ(shown(true), "");
}

}  // namespace
}  // namespace gatehouse::tls::staple_test
