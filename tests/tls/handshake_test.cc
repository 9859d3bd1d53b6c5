// A server's handshakes, seen from a client that is not our own.
#include <gtest/gtest.h>

#include "base/event.h"
#include "tests/tls/tls_server.h"
#include "tls/certificate_store.h"

namespace gatehouse::tls::handshake_test {
namespace {

using namespace std::chrono_literals;

const std::string kHttp1 = "\x08http/1.1";
const std::string kHttp2 = "\x02h2";
const std::string kChallenge = std::string("\x0a") + "acme-tls/1";

struct Served {
  base::Result<ClientHello> hello;
  base::Result<void> done;
  std::string alpn;
  std::string version;
};

// The whole handshake, then one word for the client.
base::Task<Served> serve(Transport& transport, ServerContext& context, CertificateRef certificate,
                         bool challenge) {
  Served served;
  served.hello = co_await transport.client_hello(context, soon());
  if (!served.hello) co_return served;
  served.done = co_await transport.handshake(certificate, challenge, soon());
  if (!served.done) co_return served;
  served.alpn = transport.alpn();
  served.version = transport.version();
  const base::Bytes word = base::as_bytes("hi");
  served.done = co_await transport.write(std::span(&word, 1), soon());
  co_return served;
}

struct Seen {
  bool shaken = false;
  std::string word;
  std::string alpn;
  std::string version;
  int alert = 0;
  std::vector<std::string> names;
};

std::function<void(RawClient&)> look(Seen& seen) {
  return [&seen](RawClient& client) {
    seen.shaken = client.handshake();
    if (seen.shaken) {
      seen.word = client.read();
      seen.alpn = client.alpn();
      seen.version = client.version();
    }
    seen.alert = client.alert();
  };
}

Served shake(TlsServer& server, const RawOptions& options, Seen& seen, bool challenge = false,
             CertificateRef certificate = nullptr) {
  if (!certificate) certificate = server.ca.certificate({"a.example"});
  const auto run_it = [&](Transport& transport) {
    return serve(transport, *server.context, certificate, challenge);
  };
  return server.with_client(options, run_it, look(seen));
}

TEST(Handshake, SpeaksTls13And12) {
  for (const auto version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    TlsServer server;
    RawOptions options;
    options.highest = static_cast<std::uint16_t>(version);
    Seen seen;
    const auto served = shake(server, options, seen);
    ASSERT_TRUE(served.done) << served.done.error().detail;
    EXPECT_EQ(seen.word, "hi");
    EXPECT_EQ(served.version, version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
    EXPECT_EQ(served.version, seen.version);
  }
}

TEST(Handshake, WorksWithEachTypeOfKey) {
  for (const auto type : {KeyType::kP256, KeyType::kP384, KeyType::kRsa2048}) {
    for (const auto version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
      TlsServer server;
      RawOptions options;
      options.highest = static_cast<std::uint16_t>(version);
      Seen seen;
      const auto certificate = server.ca.certificate({"a.example"}, type);
      const auto served = shake(server, options, seen, false, certificate);
      EXPECT_TRUE(served.done) << served.done.error().detail;
      EXPECT_EQ(seen.word, "hi");
    }
  }
}

TEST(Handshake, CopiesTheNameInLowerCaseWithoutItsDot) {
  TlsServer server;
  RawOptions options;
  options.name = "WWW.Example.COM.";
  Seen seen;
  const auto served = shake(server, options, seen);
  ASSERT_TRUE(served.done);
  EXPECT_EQ(served.hello->server_name, "www.example.com");
}

TEST(Handshake, ReportsThatThereWasNoName) {
  TlsServer server;
  RawOptions options;
  options.name = "";
  Seen seen;
  const auto served = shake(server, options, seen);
  ASSERT_TRUE(served.hello);
  EXPECT_EQ(served.hello->server_name, "");
}

TEST(Handshake, GoesOnWhenBytesComeOneAtATime) {
  for (const auto version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    TlsServer server;
    RawOptions options;
    options.at_a_time = 1;
    options.highest = static_cast<std::uint16_t>(version);
    Seen seen;
    const auto served = shake(server, options, seen);
    ASSERT_TRUE(served.done) << served.done.error().detail;
    EXPECT_EQ(seen.word, "hi");
  }
}

TEST(Handshake, SurvivesAHelloRetryRequest) {
  TlsServer server;
  RawOptions options;
  options.groups = "P-521:P-256";  // the key share is for a group that we do not speak
  Seen seen;
  const auto served = shake(server, options, seen);
  ASSERT_TRUE(served.done) << served.done.error().detail;
  EXPECT_EQ(seen.version, "TLSv1.3");
  EXPECT_EQ(seen.word, "hi");
}

// --- ALPN ---

TEST(Alpn, PicksOurFirstChoice) {
  ServerOptions ours;
  ours.alpn = {"h2", "http/1.1"};
  TlsServer server(ours);
  RawOptions options;
  options.alpn = kHttp1 + kHttp2;
  Seen seen;
  const auto served = shake(server, options, seen);
  ASSERT_TRUE(served.done);
  EXPECT_EQ(served.alpn, "h2");
  EXPECT_EQ(seen.alpn, "h2");
}

TEST(Alpn, IsNotNeeded) {
  TlsServer server;
  Seen seen;
  const auto served = shake(server, RawOptions(), seen);
  ASSERT_TRUE(served.done);
  EXPECT_EQ(served.alpn, "");
  EXPECT_FALSE(served.hello->acme_challenge);
}

TEST(Alpn, RefusesAClientThatSpeaksNothingOfOurs) {
  TlsServer server;
  RawOptions options;
  options.alpn = kHttp2;
  Seen seen;
  const auto served = shake(server, options, seen);
  EXPECT_EQ(served.done.error().code, base::Code::kTls);
  EXPECT_EQ(seen.alert, SSL_AD_NO_APPLICATION_PROTOCOL);
}

TEST(Alpn, NegotiatesTheChallengeProtocolForChallengesAlone) {
  TlsServer server;
  RawOptions options;
  options.alpn = kChallenge;
  Seen seen;
  auto served = shake(server, options, seen, /*challenge=*/true);
  ASSERT_TRUE(served.hello);
  EXPECT_TRUE(served.hello->acme_challenge);
  EXPECT_EQ(seen.alpn, "acme-tls/1");

  served = shake(server, options, seen, /*challenge=*/false);
  EXPECT_FALSE(served.done);
  EXPECT_EQ(seen.alert, SSL_AD_NO_APPLICATION_PROTOCOL);
}

TEST(Alpn, TakesAListOfTwoForAnOrdinaryClient) {
  TlsServer server;
  RawOptions options;
  options.alpn = kChallenge + kHttp1;
  Seen seen;
  const auto served = shake(server, options, seen);
  ASSERT_TRUE(served.done);
  EXPECT_FALSE(served.hello->acme_challenge);
  EXPECT_EQ(seen.alpn, "http/1.1");
}

// --- what the client can check ---

KeyKinds keys_told(const RawOptions& options) {
  TlsServer server;
  Seen seen;
  const auto rsa = server.ca.certificate({"a.example"}, KeyType::kRsa2048);
  return shake(server, options, seen, false, rsa).hello->keys;
}

TEST(ClientHello, TellsOfWhichKeysTheClientChecksSignatures) {
  RawOptions options;
  EXPECT_EQ(keys_told(options) & (kEcdsaP256 | kEcdsaP384 | kRsaKeys),
            kEcdsaP256 | kEcdsaP384 | kRsaKeys);
  options.algorithms = "rsa_pss_rsae_sha256";
  EXPECT_EQ(keys_told(options), kRsaKeys);
  options.algorithms = "ecdsa_secp384r1_sha384:rsa_pss_rsae_sha512";
  EXPECT_EQ(keys_told(options), kEcdsaP384 | kRsaKeys);
  // In TLS 1.3 PKCS #1 v1.5 is for certificates' signatures alone (RFC 8446 4.2.3).
  options.algorithms = "ecdsa_secp256r1_sha256:rsa_pkcs1_sha256";
  EXPECT_EQ(keys_told(options), kEcdsaP256);
}

TEST(ClientHello, TellsOfKeysByTheGroupsAndSuitesOfTls12) {
  RawOptions options;
  options.highest = TLS1_2_VERSION;
  EXPECT_EQ(keys_told(options), kEcdsaP256 | kEcdsaP384 | kRsaKeys);
  options.groups = "X25519:P-384";
  EXPECT_EQ(keys_told(options), kEcdsaP384 | kRsaKeys);
  options.groups = "X25519";
  EXPECT_EQ(keys_told(options), kRsaKeys);
  options.groups = "";
  options.algorithms = "rsa_pkcs1_sha256";
  EXPECT_EQ(keys_told(options), kRsaKeys);
  options.algorithms = "";
  options.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
  EXPECT_EQ(keys_told(options), kRsaKeys);
  options.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
  options.algorithms = "ecdsa_secp256r1_sha256:rsa_pkcs1_sha256";
  EXPECT_EQ(keys_told(options), kEcdsaP256 | kEcdsaP384 | kRsaKeys);
}

// A name with a certificate of each kind, and a client with the given limits.
struct Choice {
  explicit Choice(RawOptions options) {
    store.put({"a.example"}, ecdsa, kEcdsaKeys);
    store.put({"a.example"}, rsa, kRsaKeys);
    Seen seen;
    const auto run_it = [&](Transport& transport) { return choose(transport); };
    served = server.with_client(options, run_it, look(seen));
  }

  base::Task<Served> choose(Transport& transport) {
    Served result;
    result.hello = co_await transport.client_hello(*server.context, soon());
    if (!result.hello) co_return result;
    shown = store.find("a.example", result.hello->keys, base::wall_now());
    result.done = co_await transport.handshake(shown, false, soon());
    const base::Bytes word = base::as_bytes("hi");
    if (result.done) result.done = co_await transport.write(std::span(&word, 1), soon());
    co_return result;
  }

  TlsServer server;
  CertificateRef ecdsa = server.ca.certificate({"a.example"}, KeyType::kP256);
  CertificateRef rsa = server.ca.certificate({"a.example"}, KeyType::kRsa2048);
  CertificateStore store;
  CertificateRef shown;
  Served served;
};

TEST(TwoKinds, EachClientIsShownTheOneThatItCanCheck) {
  for (const auto version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    RawOptions options;
    options.highest = static_cast<std::uint16_t>(version);
    const Choice both(options);
    EXPECT_EQ(both.shown, both.ecdsa);
    EXPECT_TRUE(both.served.done);
    options.algorithms = "rsa_pss_rsae_sha256";
    const Choice rsa(options);
    EXPECT_EQ(rsa.shown, rsa.rsa);
    EXPECT_TRUE(rsa.served.done) << rsa.served.done.error().detail;
    options.algorithms = "ecdsa_secp256r1_sha256";
    const Choice ecdsa(options);
    EXPECT_EQ(ecdsa.shown, ecdsa.ecdsa);
    EXPECT_TRUE(ecdsa.served.done) << ecdsa.served.done.error().detail;
  }
}

TEST(TwoKinds, AClientOfTls12WithSuitesOfRsaAloneIsShownRsa) {
  RawOptions options;
  options.highest = TLS1_2_VERSION;
  options.ciphers = "ECDHE-RSA-CHACHA20-POLY1305";
  const Choice choice(options);
  EXPECT_EQ(choice.shown, choice.rsa);
  EXPECT_TRUE(choice.served.done) << choice.served.done.error().detail;
}

// --- waiting and refusing ---

base::Task<Served> serve_later(Transport& transport, ServerContext& context,
                               CertificateRef certificate, base::Event& ready, bool& asked) {
  Served served;
  served.hello = co_await transport.client_hello(context, soon());
  if (!served.hello) co_return served;
  asked = true;
  (void)co_await ready.wait();
  served.done = co_await transport.handshake(certificate, false, soon());
  const base::Bytes word = base::as_bytes("late");
  if (served.done) served.done = co_await transport.write(std::span(&word, 1), soon());
  co_return served;
}

TEST(Suspended, WaitsForACertificate) {
  TlsServer server;
  base::Event ready(server.loop);
  bool asked = false;
  std::thread maker;  // as control does: makes the certificate elsewhere, then posts
  CertificateRef certificate = server.ca.certificate({"a.example"});
  Seen seen;
  const auto later = [&](Transport& transport) {
    maker = std::thread([&] { server.loop.post([&] { ready.set(); }); });
    return serve_later(transport, *server.context, certificate, ready, asked);
  };
  const auto served = server.with_client(RawOptions(), later, look(seen));
  maker.join();
  EXPECT_TRUE(asked);
  ASSERT_TRUE(served.done) << served.done.error().detail;
  EXPECT_EQ(seen.word, "late");
}

base::Task<base::Result<ClientHello>> refuse(Transport& transport, ServerContext& context,
                                             std::uint8_t alert) {
  auto hello = co_await transport.client_hello(context, soon());
  co_await transport.refuse(alert, soon());
  co_return hello;
}

TEST(Suspended, RefusesWithTheAlertThatWasAskedFor) {
  for (const auto version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    for (const int alert : {SSL_AD_UNRECOGNIZED_NAME, SSL_AD_INTERNAL_ERROR}) {
      TlsServer server;
      RawOptions options;
      options.highest = static_cast<std::uint16_t>(version);
      Seen seen;
      const auto no = [&](Transport& transport) {
        return refuse(transport, *server.context, static_cast<std::uint8_t>(alert));
      };
      EXPECT_TRUE(server.with_client(options, no, look(seen)));
      EXPECT_FALSE(seen.shaken);
      EXPECT_EQ(seen.alert, alert);
    }
  }
}

TEST(Suspended, CanBeDestroyedWhileItWaits) {
  TlsServer server;
  Seen seen;
  const auto only_hello = [&](Transport& transport) {
    return transport.client_hello(*server.context, soon());
  };
  EXPECT_TRUE(server.with_client(RawOptions(), only_hello, look(seen)));
  EXPECT_FALSE(seen.shaken);
  EXPECT_EQ(seen.alert, 0);
}

// --- what is no handshake ---

TEST(ClientHello, RefusesOldVersionsBeforeAnybodyIsAsked) {
  TlsServer server;
  RawOptions options;
  options.lowest = TLS1_VERSION;
  options.highest = TLS1_1_VERSION;
  Seen seen;
  const auto served = shake(server, options, seen);
  ASSERT_FALSE(served.hello);
  EXPECT_EQ(served.hello.error().code, base::Code::kTls);
  EXPECT_EQ(seen.alert, SSL_AD_PROTOCOL_VERSION);
}

TEST(ClientHello, RefusesTls12WhereItIsOff) {
  ServerOptions only13;
  only13.allow_tls12 = false;
  TlsServer server(only13);
  RawOptions options;
  options.highest = TLS1_2_VERSION;
  Seen seen;
  EXPECT_EQ(shake(server, options, seen).hello.error().code, base::Code::kTls);
  EXPECT_EQ(seen.alert, SSL_AD_PROTOCOL_VERSION);
  EXPECT_TRUE(shake(server, RawOptions(), seen).done);
}

base::Result<ClientHello> hello_of(TlsServer& server, const std::string& bytes,
                                   base::Deadline deadline, bool finish) {
  const auto read_hello = [&](Transport& transport) {
    return transport.client_hello(*server.context, deadline);
  };
  return server.with_client(RawOptions(), read_hello, [&](RawClient& client) {
    client.send_raw(bytes);
    if (finish) client.finish_rudely();
    char byte;
    (void)!::recv(client.fd(), &byte, 1, 0);  // until the server closes
  });
}

TEST(ClientHello, KnowsPlainHttp) {
  TlsServer server;
  for (const char* request : {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST /x HTTP/1.1\r\n\r\n"}) {
    EXPECT_EQ(hello_of(server, request, soon(), false).error().code, base::Code::kMalformed);
  }
}

TEST(ClientHello, RefusesRubbish) {
  TlsServer server;
  const std::string rubbish(64, '\x7f');
  EXPECT_EQ(hello_of(server, rubbish, soon(), false).error().code, base::Code::kTls);
}

TEST(ClientHello, EndsASilentClientAtTheDeadline) {
  TlsServer server;
  const auto passed = base::Deadline::in(1ms);
  EXPECT_EQ(hello_of(server, "", passed, false).error().code, base::Code::kTimeout);
  EXPECT_EQ(hello_of(server, "\x16\x03\x01", passed, false).error().code, base::Code::kTimeout);
}

TEST(ClientHello, ReportsAClientThatLeft) {
  TlsServer server;
  EXPECT_EQ(hello_of(server, "", soon(), true).error().code, base::Code::kClosed);
  EXPECT_EQ(hello_of(server, "\x16\x03", soon(), true).error().code, base::Code::kClosed);
}

// --- names ---

TEST(HostName, AcceptsWhatMayOwnACertificate) {
  const std::string label(63, 'a');
  for (const std::string& name :
       {std::string("a.example"), std::string("localhost"), label + ".b",
        std::string("xn--bcher-kva.example"), std::string("1.a"), std::string("a--b.c-d.e1"),
        label + "." + label + "." + label + "." + std::string(61, 'b')}) {
    EXPECT_TRUE(is_host_name(name)) << name;
  }
}

TEST(HostName, RefusesEverythingElse) {
  const std::string label(63, 'a');
  for (const std::string& name : {std::string(""),
                                  std::string("."),
                                  std::string("a..b"),
                                  std::string(".a"),
                                  std::string("a."),
                                  std::string("A.example"),
                                  std::string("a_b.example"),
                                  std::string("-a.example"),
                                  std::string("a-.example"),
                                  std::string("a b"),
                                  std::string("*.example"),
                                  std::string("1.2.3.4"),
                                  std::string("::1"),
                                  std::string("a.123"),
                                  std::string("127.1"),
                                  std::string("b\xc3\xbc.example"),
                                  std::string("a\0b", 3),
                                  std::string("a/b"),
                                  std::string("a:443"),
                                  label + "a.b",
                                  std::string("a.b.c.d.e.f.g.h.i.j.k"),
                                  label + "." + label + "." + label + "." + std::string(62, 'b')}) {
    EXPECT_FALSE(is_host_name(name)) << name;
  }
}

}  // namespace
}  // namespace gatehouse::tls::handshake_test
