// Which clients a server believes (RFC 5280 6, RFC 8446 4.4.2).
#include "tls/client_auth.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>

#include "tests/tls/tls_server.h"

namespace gatehouse::tls::client_auth_test {
namespace {

using namespace std::chrono_literals;

struct RootsFile {
  explicit RootsFile(const std::string& text)
      : path(testing::TempDir() + "gatehouse-clients-" + std::to_string(::getpid()) + ".pem") {
    std::ofstream(path) << text;
  }
  ~RootsFile() { std::remove(path.c_str()); }
  std::string path;
};

std::unique_ptr<const ClientAuth> believing(const std::string& roots, bool required = true) {
  const RootsFile file(roots);
  auto loaded = ClientAuth::load(file.path, required);
  EXPECT_TRUE(loaded) << loaded.error().detail;
  return std::move(*loaded);
}

struct Met {
  base::Result<void> done;
  std::string shown;  // the client's certificate, as the server says
};

base::Task<Met> meet(Transport& transport, ServerContext& context, CertificateRef certificate,
                     const ClientAuth& auth) {
  Met met;
  auto hello = co_await transport.client_hello(context, soon());
  if (!hello) {
    met.done = base::fail(std::move(hello.error()));
    co_return met;
  }
  met.done = co_await transport.handshake(std::move(certificate), false, soon(), &auth);
  if (met.done) met.shown = transport.peer_certificate();
  transport.close();
  co_return met;
}

base::Task<void> come(Transport& transport, ClientContext& context) {
  auto shaken = co_await transport.connect_tls(context, "a.example", soon());
  if (!shaken) co_return;
  std::array<std::uint8_t, 16> room{};
  (void)co_await transport.read(room, soon());  // the end, or the alert
}

struct ClientAuthTest : testing::Test {
  // A client that shows `certificate`, or none, comes to who wants what `auth` says.
  Met try_with(const ClientAuth& auth, CertificateRef certificate) {
    ClientOptions options;
    options.system_roots = false;
    options.insecure = true;
    options.certificate = std::move(certificate);
    const auto context = ClientContext::make(options).value();
    auto pair = base::connected_pair(house.loop);
    Transport client(std::move(pair.client));
    Transport server(std::move(pair.server));
    auto own = house.ca.certificate({"a.example"});
    return base::run_with(house.loop, come(client, *context),
                          meet(server, *house.context, std::move(own), auth));
  }
  Met try_with(const TestRequest& request) { return try_with(*auth, ours.certificate(request)); }

  static void expect_refused(const Met& met, const std::string& why) {
    ASSERT_FALSE(met.done) << why;
    EXPECT_EQ(met.done.error().code, base::Code::kTls);
    EXPECT_NE(met.done.error().detail.find(why), std::string::npos) << met.done.error().detail;
  }

  TlsServer house;
  TestCa ours{"Our clients"};
  std::unique_ptr<const ClientAuth> auth = believing(ours.pem());
  std::unique_ptr<const ClientAuth> optional = believing(ours.pem(), false);
};

TEST_F(ClientAuthTest, TellsWhichCertificateWasShown) {
  const auto certificate = ours.certificate({"alice"});
  const auto met = try_with(*auth, certificate);
  ASSERT_TRUE(met.done) << met.done.error().detail;
  const auto* leaf = certificate->chain().front().get();
  EXPECT_EQ(met.shown, base::as_text({CRYPTO_BUFFER_data(leaf), CRYPTO_BUFFER_len(leaf)}));
}

TEST_F(ClientAuthTest, ACertificateThatIsOnlyRequestedMayBeMissingButMustHold) {
  expect_refused(try_with(*auth, nullptr), "PEER_DID_NOT_RETURN_A_CERTIFICATE");
  const auto without = try_with(*optional, nullptr);
  EXPECT_TRUE(without.done && without.shown.empty());
  const auto with = try_with(*optional, ours.certificate({"alice"}));
  EXPECT_TRUE(with.done && !with.shown.empty());
  TestCa stranger("Stranger");
  expect_refused(try_with(*optional, stranger.certificate({"alice"})), "certificate");
}

TEST_F(ClientAuthTest, RefusesAnotherAuthorityThoughItsNameIsTheSame) {
  TestCa stranger("Stranger");
  TestCa twin("Our clients");
  expect_refused(try_with(*auth, stranger.certificate({"alice"})), "self signed certificate");
  expect_refused(try_with(*auth, twin.certificate({"alice"})), "certificate signature failure");
}

TEST_F(ClientAuthTest, RefusesOldAndFutureCertificates) {
  TestRequest request;
  request.not_after = base::wall_now() - 1s;
  expect_refused(try_with(request), "certificate has expired");
  request.not_before = base::wall_now() + 1h;
  request.not_after = base::wall_now() + 2h;
  expect_refused(try_with(request), "certificate is not yet valid");
}

TEST_F(ClientAuthTest, ACertificateIsForClientsOrForAnything) {
  for (const auto* purposes : {"", "clientAuth", "serverAuth,clientAuth"}) {
    TestRequest request;
    request.purposes = purposes;
    EXPECT_TRUE(try_with(request).done) << purposes;
  }
  for (const auto* purposes : {"serverAuth", "emailProtection", "anyExtendedKeyUsage"}) {
    TestRequest request;
    request.purposes = purposes;
    expect_refused(try_with(request), "unsupported certificate purpose");
  }
}

TEST_F(ClientAuthTest, FollowsIntermediatesAndBelievesEachCertificateInItsFileByItself) {
  TestCa intermediate(ours, "Intermediate");
  const auto key = PrivateKey::generate(KeyType::kP256).value();
  TestRequest request;
  request.common_name = "alice";
  const auto leaf = intermediate.issue(request, key);
  const auto whole = Certificate::make(leaf + intermediate.pem(), key).value();
  const auto alone = Certificate::make(leaf, key).value();
  EXPECT_TRUE(try_with(*auth, whole).done);
  expect_refused(try_with(*auth, alone), "unable to get local issuer certificate");
  EXPECT_TRUE(try_with(*believing(intermediate.pem()), alone).done);
  EXPECT_TRUE(try_with(*believing(leaf), alone).done);
  expect_refused(try_with(*believing(leaf), ours.certificate({"bob"})), "certificate");
}

TEST_F(ClientAuthTest, AClientsCertificateSignsNoOthers) {
  TestCa alice(ours, "alice", false);
  expect_refused(try_with(*auth, alice.certificate({"mallory"})), "invalid CA certificate");
}

TEST(ClientAuthLoad, NamesTheFileThatItCannotUse) {
  auto loaded = ClientAuth::load("/nonexistent/clients.pem", true);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, base::Code::kIo);
  EXPECT_NE(loaded.error().detail.find("/nonexistent/clients.pem"), std::string::npos);
  const RootsFile file("no PEM");
  loaded = ClientAuth::load(file.path, true);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, base::Code::kMalformed);
  EXPECT_NE(loaded.error().detail.find(file.path), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::tls::client_auth_test
