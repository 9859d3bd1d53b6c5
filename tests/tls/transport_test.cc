// Bytes through a Transport, plain and in TLS.
#include "tls/transport.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <optional>

#include "tests/tls/tls_server.h"

namespace gatehouse::tls::transport_test {
namespace {

using namespace std::chrono_literals;

// A text in which each place is told by its bytes.
std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (auto& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

base::Task<base::Result<std::string>> read_all(Transport& transport) {
  std::string all;
  std::vector<std::uint8_t> buffer(70'000);  // of several records at once
  for (;;) {
    auto got = co_await transport.read(buffer, soon());
    if (!got) co_return base::fail(std::move(got.error()));
    if (*got == 0) co_return all;
    all.append(reinterpret_cast<const char*>(buffer.data()), *got);
  }
}

base::Task<void> keep_all(Transport& transport, std::string& out) {
  auto all = co_await read_all(transport);
  out = all ? std::move(*all) : "error: " + all.error().detail;
}

base::Task<base::Result<void>> write_one(Transport& transport, std::string_view text,
                                         base::Deadline deadline) {
  const base::Bytes piece = base::as_bytes(text);
  co_return co_await transport.write(std::span(&piece, 1), deadline);
}

base::Task<base::Result<void>> write_and_end(Transport& transport, std::string_view text) {
  auto written = co_await write_one(transport, text, soon());
  co_await transport.shutdown_send(soon());
  co_return written;
}

base::Task<void> accept_tls(Transport& server, ServerContext& context, CertificateRef certificate) {
  auto hello = co_await server.client_hello(context, soon());
  if (hello) (void)co_await server.handshake(certificate, false, soon());
}

// Two Transports that face each other on one loop, with TLS between them or not.
class BothWays : public testing::TestWithParam<bool> {
 protected:
  BothWays() {
    auto pair = base::connected_pair(house.loop);
    client.emplace(std::move(pair.client));
    server.emplace(std::move(pair.server));
    if (!GetParam()) return;
    ca_file = testing::TempDir() + "gatehouse-transport-" + std::to_string(::getpid()) + ".pem";
    std::ofstream(ca_file) << house.ca.pem();
    ClientOptions options;
    options.system_roots = false;
    options.ca_file = ca_file;
    trust = ClientContext::make(options).value();
    auto shaken = base::run_with(
        house.loop, accept_tls(*server, *house.context, house.ca.certificate({"a.example"})),
        client->connect_tls(*trust, "a.example", soon()));
    EXPECT_TRUE(shaken) << shaken.error().detail;
  }
  ~BothWays() override {
    if (!ca_file.empty()) std::remove(ca_file.c_str());
  }

  TlsServer house;
  std::unique_ptr<ClientContext> trust;
  std::string ca_file;
  std::optional<Transport> client;
  std::optional<Transport> server;
};

TEST_P(BothWays, CarriesBytesAndTheirEnd) {
  std::string got;
  auto written = base::run_with(house.loop, keep_all(*server, got), write_and_end(*client, "hey"));
  EXPECT_TRUE(written);
  EXPECT_EQ(got, "hey");
  EXPECT_TRUE(server->clean_end());
  // The other direction is still open.
  written = base::run_with(house.loop, keep_all(*client, got), write_and_end(*server, "there"));
  EXPECT_TRUE(written);
  EXPECT_EQ(got, "there");
}

TEST_P(BothWays, CarriesMuchInBothDirectionsAtOnce) {
  const auto up = pattern(5'000'000);
  const auto down = pattern(4'000'000);
  std::string got_up;
  std::string got_down;
  base::Gate gate(house.loop);
  gate.spawn(keep_all(*server, got_up), "server reads");
  gate.spawn(keep_all(*client, got_down), "client reads");
  const auto sending = [](Transport& t, std::string_view text) -> base::Task<void> {
    auto written = co_await write_and_end(t, text);
    EXPECT_TRUE(written);
  };
  gate.spawn(sending(*server, down), "server writes");
  gate.spawn(sending(*client, up), "client writes");
  EXPECT_TRUE(base::run(house.loop, gate.close()));
  EXPECT_TRUE(got_up == up);
  EXPECT_TRUE(got_down == down);
}

TEST_P(BothWays, CarriesMuchWhereNoLargeBlocksAreToBeHad) {
  house.loop.buffers().keep(0);
  const auto much = pattern(1'000'000);
  std::string got;
  auto written = base::run_with(house.loop, keep_all(*server, got), write_and_end(*client, much));
  EXPECT_TRUE(written);
  EXPECT_TRUE(got == much);
}

base::Task<base::Result<void>> write_pieces(Transport& transport,
                                            std::span<const base::Bytes> pieces) {
  auto written = co_await transport.write(pieces, soon());
  co_await transport.shutdown_send(soon());
  co_return written;
}

TEST_P(BothWays, WritesPiecesInOrderWhateverTheirSizes) {
  const auto text = pattern(300'000);
  const std::array<std::size_t, 12> sizes{0, 1, 100, 0, 16383, 16384, 16385, 3, 50000, 0, 70000, 7};
  std::vector<base::Bytes> pieces;
  std::size_t at = 0;
  for (const auto size : sizes) {
    pieces.push_back(base::as_bytes(std::string_view(text).substr(at, size)));
    at += size;
  }
  while (at < text.size()) {  // many small ones, more than one call takes
    const auto size = std::min<std::size_t>(2500, text.size() - at);
    pieces.push_back(base::as_bytes(std::string_view(text).substr(at, size)));
    at += size;
  }
  std::string got;
  auto written = base::run_with(house.loop, keep_all(*server, got), write_pieces(*client, pieces));
  EXPECT_TRUE(written);
  EXPECT_TRUE(got == text);
}

TEST_P(BothWays, WritesNothingWithoutWaiting) {
  EXPECT_TRUE(base::run(house.loop, client->write({}, soon())));
  const base::Bytes empty;
  EXPECT_TRUE(base::run(house.loop, client->write(std::span(&empty, 1), soon())));
}

TEST_P(BothWays, StopsWritingAtTheDeadlineWhenNobodyReads) {
  const auto much = pattern(32'000'000);
  auto written = base::run(house.loop, write_one(*client, much, base::Deadline::in(50ms)));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, base::Code::kTimeout);
}

TEST_P(BothWays, StopsReadingAtTheDeadlineWhenNothingComes) {
  std::array<std::uint8_t, 16> buffer;
  auto got = base::run(house.loop, server->read(buffer, base::Deadline::in(1ms)));
  EXPECT_EQ(got.error().code, base::Code::kTimeout);
  got = server->try_read(buffer);
  EXPECT_EQ(got.error().code, base::Code::kOverload);
}

TEST_P(BothWays, WaitsForBytesWithoutTakingThem) {
  EXPECT_TRUE(base::run(house.loop, write_one(*client, "abcdef", soon())));
  EXPECT_TRUE(base::run(house.loop, server->wait_readable(soon())));
  std::array<std::uint8_t, 4> buffer;
  EXPECT_EQ(server->try_read(buffer).value(), 4u);
  // What lies in our own buffers counts.
  EXPECT_TRUE(base::run(house.loop, server->wait_readable(soon())));
  EXPECT_EQ(server->try_read(buffer).value(), 2u);
  EXPECT_EQ(server->try_read(buffer).error().code, base::Code::kOverload);
  auto waited = base::run(house.loop, server->wait_readable(base::Deadline::in(1ms)));
  EXPECT_EQ(waited.error().code, base::Code::kTimeout);
}

TEST_P(BothWays, AbortBreaksTheOtherEnd) {
  client->abort();
  std::array<std::uint8_t, 4> buffer;
  auto got = base::run(house.loop, server->read(buffer, soon()));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, base::Code::kReset);
  EXPECT_FALSE(server->clean_end());
}

TEST_P(BothWays, CloseWakesWhoReadsAndEndsTheOtherSide) {
  std::optional<base::Code> code;
  const auto reading = [](Transport& t, std::optional<base::Code>& out) -> base::Task<void> {
    std::array<std::uint8_t, 4> buffer;
    auto got = co_await t.read(buffer, soon());
    out = got ? base::Code::kInternal : got.error().code;
  };
  house.loop.spawn(reading(*client, code), "reader");
  base::run_ready(house.loop);
  client->close();
  base::run_ready(house.loop);
  EXPECT_EQ(code, base::Code::kCancelled);
  std::array<std::uint8_t, 4> buffer;
  EXPECT_EQ(base::run(house.loop, server->read(buffer, soon())).value(), 0u);
  EXPECT_TRUE(server->clean_end());
  EXPECT_EQ(client->try_read(buffer).error().code, base::Code::kCancelled);
  EXPECT_EQ(base::run(house.loop, write_one(*client, "x", soon())).error().code,
            base::Code::kCancelled);
  client->close();
  base::run(house.loop, client->shutdown_send(soon()));
}

TEST_P(BothWays, MayBeMoved) {
  Transport moved(std::move(*client));
  EXPECT_TRUE(base::run(house.loop, write_one(moved, "moved", soon())));
  std::array<std::uint8_t, 16> buffer;
  EXPECT_EQ(base::run(house.loop, server->read(buffer, soon())).value(), 5u);
}

TEST_P(BothWays, KnowsWhatItIs) {
  EXPECT_EQ(client->is_tls(), GetParam());
  EXPECT_EQ(client->version(), GetParam() ? "TLSv1.3" : "");
  EXPECT_EQ(client->alpn(), GetParam() ? "http/1.1" : "");
  EXPECT_EQ(server->server_name(), GetParam() ? "a.example" : "");
}

INSTANTIATE_TEST_SUITE_P(Wires, BothWays, testing::Bool(),
                         [](const auto& info) { return info.param ? "Tls" : "Plain"; });

// --- TLS against a client that is not ours ---

base::Task<base::Result<void>> shake(Transport& transport, ServerContext& context,
                                     CertificateRef certificate) {
  auto hello = co_await transport.client_hello(context, soon());
  if (!hello) co_return base::fail(std::move(hello.error()));
  co_return co_await transport.handshake(certificate, false, soon());
}

struct End {
  base::Result<std::string> all;
  bool clean = false;
};

base::Task<End> read_to_end(Transport& transport, ServerContext& context,
                            CertificateRef certificate) {
  End end;
  auto done = co_await shake(transport, context, certificate);
  EXPECT_TRUE(done);
  end.all = co_await read_all(transport);
  end.clean = transport.clean_end();
  co_return end;
}

End end_after(const std::function<void(RawClient&)>& talk) {
  TlsServer house;
  const auto certificate = house.ca.certificate({"a.example"});
  const auto serve = [&](Transport& transport) {
    return read_to_end(transport, *house.context, certificate);
  };
  return house.with_client(RawOptions(), serve, talk);
}

TEST(Ending, ACloseNotifyIsACleanEnd) {
  const auto end = end_after([](RawClient& client) {
    client.handshake();
    client.write("whole");
    client.finish();
    client.read();
  });
  EXPECT_EQ(end.all.value(), "whole");
  EXPECT_TRUE(end.clean);
}

TEST(Ending, AFinAloneIsNot) {
  const auto end = end_after([](RawClient& client) {
    client.handshake();
    client.write("cut");
    client.finish_rudely();
    client.read();
  });
  EXPECT_EQ(end.all.value(), "cut");
  EXPECT_FALSE(end.clean);
}

TEST(Ending, ARecordThatWasCutIsAnError) {
  const auto end = end_after([](RawClient& client) {
    client.handshake();
    const auto record = client.seal("will be cut");
    client.send_raw(std::string_view(record).substr(0, record.size() / 2));
    client.finish_rudely();
    client.read();
  });
  if (end.all) {
    EXPECT_EQ(*end.all, "");
  }
  EXPECT_FALSE(end.clean);
}

TEST(Ending, AForgedRecordIsAnError) {
  const auto end = end_after([](RawClient& client) {
    client.handshake();
    auto record = client.seal("will be changed");
    record.back() ^= 1;
    client.send_raw(record);
    client.read();
  });
  ASSERT_FALSE(end.all);
  EXPECT_EQ(end.all.error().code, base::Code::kTls);
}

TEST(Ending, ReadsBytesThatComeOneAtATime) {
  TlsServer house;
  const auto certificate = house.ca.certificate({"a.example"});
  const auto serve = [&](Transport& transport) {
    return read_to_end(transport, *house.context, certificate);
  };
  RawOptions options;
  options.at_a_time = 1;
  const auto end = house.with_client(options, serve, [](RawClient& client) {
    client.handshake();
    client.write("drip");
    client.write("ping");
    client.finish();
  });
  EXPECT_EQ(end.all.value(), "dripping");
  EXPECT_TRUE(end.clean);
}

base::Task<base::Code> wait_behind_half_a_record(Transport& transport, ServerContext& context,
                                                 CertificateRef certificate) {
  auto done = co_await shake(transport, context, certificate);
  EXPECT_TRUE(done);
  std::array<std::uint8_t, 64> buffer;
  for (;;) {  // until the half has been swallowed: then there is nothing to wake up for
    auto waited = co_await transport.wait_readable(base::Deadline::in(200ms));
    if (!waited) co_return waited.error().code;
    auto got = transport.try_read(buffer);
    if (got || got.error().code != base::Code::kOverload) co_return base::Code::kInternal;
  }
}

TEST(WaitReadable, SleepsBehindHalfARecord) {
  TlsServer house;
  const auto certificate = house.ca.certificate({"a.example"});
  const auto serve = [&](Transport& transport) {
    return wait_behind_half_a_record(transport, *house.context, certificate);
  };
  const auto code = house.with_client(RawOptions(), serve, [](RawClient& client) {
    client.handshake();
    const auto record = client.seal(std::string(1000, 'x'));
    client.send_raw(std::string_view(record).substr(0, 500));
    client.read();
  });
  EXPECT_EQ(code, base::Code::kTimeout);
}

base::Task<base::Result<void>> write_head_and_body(Transport& transport, ServerContext& context,
                                                   CertificateRef certificate) {
  auto done = co_await shake(transport, context, certificate);
  if (!done) co_return done;
  done = co_await write_one(transport, "go", soon());
  if (!done) co_return done;
  std::array<std::uint8_t, 1> ack;
  (void)co_await transport.read(ack, soon());
  const std::string head(300, 'h');
  const std::string body(700, 'b');
  std::array<base::Bytes, 2> pieces;
  pieces[0] = base::as_bytes(head);
  pieces[1] = base::as_bytes(body);
  done = co_await transport.write(pieces, soon());
  (void)co_await transport.read(ack, soon());  // the client has counted
  co_return done;
}

TEST(Writing, JoinsSmallPiecesInOneRecord) {
  TlsServer house;
  const auto certificate = house.ca.certificate({"a.example"});
  const auto serve = [&](Transport& transport) {
    return write_head_and_body(transport, *house.context, certificate);
  };
  std::string text;
  std::size_t wire = 0;
  EXPECT_TRUE(house.with_client(RawOptions(), serve, [&](RawClient& client) {
    client.handshake();
    client.read();
    const auto before = client.received();
    client.write("k");
    while (text.size() < 1000) {
      const auto more = client.read();
      if (more.empty()) break;
      text += more;
    }
    wire = client.received() - before;
    client.write("k");
  }));
  EXPECT_EQ(text, std::string(300, 'h') + std::string(700, 'b'));
  constexpr std::size_t kOneRecord = 5 + 1 + 16;  // header, type and tag of TLS 1.3
  EXPECT_EQ(wire, 1000 + kOneRecord);
}

base::Task<base::Result<void>> send_much(Transport& transport, ServerContext& context,
                                         CertificateRef certificate, std::string_view much) {
  auto done = co_await shake(transport, context, certificate);
  if (done) done = co_await write_one(transport, much, soon());
  co_await transport.shutdown_send(soon());
  co_return done;
}

TEST(Writing, WaitsForASlowReaderAndStillSaysTheEnd) {
  TlsServer house;
  const auto much = pattern(16'000'000);  // more than the kernel holds for us
  const auto certificate = house.ca.certificate({"a.example"});
  const auto serve = [&](Transport& transport) {
    return send_much(transport, *house.context, certificate, much);
  };
  RawOptions options;
  options.at_a_time = 7000;
  std::string got;
  bool told = false;
  EXPECT_TRUE(house.with_client(options, serve, [&](RawClient& client) {
    client.handshake();
    for (auto some = client.read(); !some.empty(); some = client.read()) got += some;
    told = client.got_close_notify();
  }));
  EXPECT_TRUE(got == much);
  EXPECT_TRUE(told);
}

TEST(Ending, AbortSendsNoCloseNotify) {
  TlsServer house;
  const auto certificate = house.ca.certificate({"a.example"});
  const auto abort_after = [](Transport& transport, ServerContext& context,
                              CertificateRef its) -> base::Task<int> {
    auto done = co_await shake(transport, context, its);
    EXPECT_TRUE(done);
    transport.abort();
    co_return 0;
  };
  const auto serve = [&](Transport& transport) {
    return abort_after(transport, *house.context, certificate);
  };
  bool told = true;
  int error = 0;
  house.with_client(RawOptions(), serve, [&](RawClient& client) {
    client.handshake();
    client.read();
    told = client.got_close_notify();
    error = client.end_error();
  });
  EXPECT_FALSE(told);
  EXPECT_EQ(error, ECONNRESET);
}

}  // namespace
}  // namespace gatehouse::tls::transport_test
