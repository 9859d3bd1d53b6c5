// Which servers our own client believes (RFC 9525).
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "tests/tls/tls_server.h"

namespace gatehouse::tls::client_context_test {
namespace {

using namespace std::chrono_literals;

struct File {
  explicit File(const std::string& text)
      : path(testing::TempDir() + "gatehouse-roots-" + std::to_string(::getpid()) + ".pem") {
    std::ofstream(path) << text;
  }
  ~File() { std::remove(path.c_str()); }
  std::string path;
};

std::unique_ptr<ClientContext> trusting(const std::string& roots) {
  File file(roots);
  ClientOptions options;
  options.system_roots = false;
  options.ca_file = file.path;
  auto made = ClientContext::make(options);
  EXPECT_TRUE(made) << made.error().detail;
  return std::move(*made);
}

base::Task<void> serve(Transport& transport, ServerContext& context, CertificateRef certificate) {
  auto hello = co_await transport.client_hello(context, soon());
  if (hello) (void)co_await transport.handshake(certificate, false, soon());
}

// Connects to a server that shows `certificate`, expecting `name`.
base::Result<void> connect(TlsServer& house, ClientContext& trust, CertificateRef certificate,
                           const std::string& name) {
  auto pair = base::connected_pair(house.loop);
  Transport client(std::move(pair.client));
  Transport server(std::move(pair.server));
  return base::run_with(house.loop, serve(server, *house.context, std::move(certificate)),
                        client.connect_tls(trust, name, soon()));
}

struct ClientTrust : testing::Test {
  base::Result<void> try_names(std::vector<std::string> names, const std::string& expected) {
    return connect(house, *trust, house.ca.certificate(names), expected);
  }
  void expect_refused(const base::Result<void>& result, const std::string& why) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, base::Code::kTls);
    EXPECT_EQ(result.error().retry, base::Retry::kYes);
    EXPECT_EQ(result.error().side, base::Side::kUpstream);
    EXPECT_NE(result.error().detail.find(why), std::string::npos) << result.error().detail;
  }
  TlsServer house;
  std::unique_ptr<ClientContext> trust = trusting(house.ca.pem());
};

TEST_F(ClientTrust, BelievesItsRootsForTheRightName) {
  EXPECT_TRUE(try_names({"up.example"}, "up.example"));
  EXPECT_TRUE(try_names({"up.example"}, "UP.Example."));
  EXPECT_TRUE(try_names({"*.up.example"}, "a.up.example"));
  EXPECT_TRUE(try_names({"127.0.0.1"}, "127.0.0.1"));
  EXPECT_TRUE(try_names({"::1"}, "[::1]"));
}

TEST_F(ClientTrust, RefusesAnotherName) {
  expect_refused(try_names({"up.example"}, "other.example"), "other.example");
  expect_refused(try_names({"up.example"}, "other.example"), "ostname mismatch");
  expect_refused(try_names({"*.up.example"}, "a.b.up.example"), "ostname mismatch");
  expect_refused(try_names({"*.up.example"}, "up.example"), "ostname mismatch");
  expect_refused(try_names({"127.0.0.1"}, "127.0.0.2"), "IP address mismatch");
  expect_refused(try_names({"up.example"}, "127.0.0.1"), "IP address mismatch");
}

TEST_F(ClientTrust, DoesNotLookAtTheCommonName) {
  TestRequest request;
  request.common_name = "up.example";
  expect_refused(connect(house, *trust, house.ca.certificate(request), "up.example"), "mismatch");
}

TEST_F(ClientTrust, RefusesAnotherAuthority) {
  TestCa stranger("Stranger");
  expect_refused(connect(house, *trust, stranger.certificate({"up.example"}), "up.example"),
                 "self signed certificate");
}

TEST_F(ClientTrust, RefusesOldAndFutureCertificates) {
  TestRequest request;
  request.names = {"up.example"};
  request.not_after = base::wall_now() - 1s;
  expect_refused(connect(house, *trust, house.ca.certificate(request), "up.example"), "expired");
  request.not_before = base::wall_now() + 1h;
  request.not_after = base::wall_now() + 2h;
  expect_refused(connect(house, *trust, house.ca.certificate(request), "up.example"),
                 "not yet valid");
}

TEST_F(ClientTrust, FollowsAnIntermediateAndBelievesOneByItself) {
  TestCa intermediate(house.ca, "Intermediate");
  const auto certificate = intermediate.certificate({"up.example"});
  EXPECT_TRUE(connect(house, *trust, certificate, "up.example"));
  const auto only_intermediate = trusting(intermediate.pem());
  EXPECT_TRUE(connect(house, *only_intermediate, certificate, "up.example"));
}

TEST_F(ClientTrust, NeedsANameItCanCheck) {
  for (const std::string& name : {std::string(), std::string("a\0b.example", 11)}) {
    auto pair = base::connected_pair(house.loop);
    Transport client(std::move(pair.client));
    auto done = base::run(house.loop, client.connect_tls(*trust, name, soon()));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, base::Code::kMalformed);
  }
}

TEST_F(ClientTrust, DoesNotWaitForASilentServer) {
  auto pair = base::connected_pair(house.loop);
  Transport client(std::move(pair.client));
  auto done =
      base::run(house.loop, client.connect_tls(*trust, "up.example", base::Deadline::in(1ms)));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, base::Code::kTimeout);
  EXPECT_EQ(done.error().retry, base::Retry::kYes);
}

TEST_F(ClientTrust, SaysThatAServerSpeaksNoTls) {
  auto pair = base::connected_pair(house.loop);
  Transport client(std::move(pair.client));
  const std::string_view answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
  ASSERT_EQ(::send(pair.server.native(), answer.data(), answer.size(), 0),
            static_cast<ssize_t>(answer.size()));
  auto done = base::run(house.loop, client.connect_tls(*trust, "up.example", soon()));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, base::Code::kTls);
}

TEST(ClientContext, NamesTheFileThatItCannotUse) {
  ClientOptions options;
  options.system_roots = false;
  options.ca_file = "/nonexistent/roots.pem";
  auto made = ClientContext::make(options);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, base::Code::kIo);
  EXPECT_NE(made.error().detail.find(options.ca_file), std::string::npos);
  for (const char* text : {"", "no PEM",
                           "-----BEGIN CERTIFICATE-----\nAAAA\n"
                           "-----END CERTIFICATE-----\n"}) {
    File file(text);
    options.ca_file = file.path;
    made = ClientContext::make(options);
    ASSERT_FALSE(made) << text;
    EXPECT_EQ(made.error().code, base::Code::kMalformed);
    EXPECT_NE(made.error().detail.find(file.path), std::string::npos);
  }
}

TEST(ClientContext, TakesARootTwice) {
  TestCa ca;
  EXPECT_TRUE(trusting(ca.pem() + ca.pem()));
}

}  // namespace
}  // namespace gatehouse::tls::client_context_test
