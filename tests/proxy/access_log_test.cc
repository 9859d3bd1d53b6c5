#include "proxy/access_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/proxy/stage.h"

namespace gatehouse::proxy::access_log_test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class AccessLogTest : public StageTest {
 protected:
  AccessLogTest() {
    std::string pattern = testing::TempDir() + "access-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    options.enabled = true;
    options.file = folder + "/access.log";
  }
  ~AccessLogTest() override { std::filesystem::remove_all(folder); }

  std::vector<std::string> lines() const {
    std::ifstream in(options.file);
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
  }
  static RequestFacts request_of(const ClientFacts& peer) {
    RequestFacts facts;
    facts.client_ip = peer.ip;
    facts.is_https = peer.tls;
    facts.request_id = "some-id";
    return facts;
  }
  static void write(AccessLog& log, const AccessRecord& record, const http::RequestHead& request,
                    const ClientFacts& peer = Visit::client()) {
    log.write(record, request, peer, request_of(peer));
  }
  static http::RequestHead head() {
    http::RequestHead made;
    made.method = "GET";
    made.target = "/x?q=\"1\"";
    made.authority = "a.example";
    return made;
  }

  std::string folder;
  config::AccessLog options;
};

TEST_F(AccessLogTest, JsonSaysWhoAskedForWhatAndHowItEnded) {
  ClientFacts facts = Visit::client();
  facts.tls = true;
  facts.server_name = "a.example";
  AccessRecord record;
  record.began = base::Clock::now();
  record.status = 502;
  record.body_bytes = 11;
  record.request_bytes = 7;
  record.upstream = "127.0.0.1:3000";
  record.error = "line\nbreak";
  write(*AccessLog::open(options, true).value(), record, head(), facts);
  ASSERT_EQ(lines().size(), 1u);
  const auto line = nlohmann::json::parse(lines()[0]);
  EXPECT_EQ(line["client_ip"], "192.0.2.7");
  EXPECT_EQ(line["scheme"], "https");
  EXPECT_EQ(line["sni"], "a.example");
  EXPECT_EQ(line["method"], "GET");
  EXPECT_EQ(line["host"], "a.example");
  EXPECT_EQ(line["uri"], "/x?q=\"1\"");
  EXPECT_EQ(line["protocol"], "HTTP/1.1");
  EXPECT_EQ(line["request_id"], "some-id");
  EXPECT_FALSE(line.contains("peer_ip") || line.contains("trace_id"));
  EXPECT_EQ(line["status"], 502);
  EXPECT_EQ(line["body_bytes"], 11);
  EXPECT_EQ(line["request_bytes"], 7);
  EXPECT_EQ(line["upstream"], "127.0.0.1:3000");
  EXPECT_EQ(line["error"], "line\nbreak");
  EXPECT_GE(line["duration_us"].get<int>(), 0);
  EXPECT_THAT(line["time"].get<std::string>(),
              MatchesRegex("[0-9-]+T[0-9]+:[0-9]+:[0-9]+[.][0-9]+Z"));
}

TEST_F(AccessLogTest, WhoCameThroughATrustedProxyIsNamedBesideIt) {
  auto facts = request_of(Visit::client());
  facts.client_ip = "198.51.100.1";
  facts.is_https = true;
  facts.trace_id = "0af7651916cd43dd8448eb211c80319c";
  auto request = head();
  request.version = http::Version::kHttp2;
  AccessRecord record;
  record.began = base::Clock::now();
  AccessLog::open(options, true).value()->write(record, request, Visit::client(), facts);
  ASSERT_EQ(lines().size(), 1u);
  const auto line = nlohmann::json::parse(lines()[0]);
  EXPECT_EQ(line["client_ip"], "198.51.100.1");
  EXPECT_EQ(line["peer_ip"], "192.0.2.7");
  EXPECT_EQ(line["scheme"], "https");
  EXPECT_EQ(line["protocol"], "HTTP/2.0");
  EXPECT_EQ(line["trace_id"], facts.trace_id);
}

TEST_F(AccessLogTest, TextIsALineForPeople) {
  AccessRecord record;
  record.began = base::Clock::now();
  record.status = 200;
  record.body_bytes = 5;
  auto request = head();
  request.target = "/x";
  auto peer = Visit::client();
  for (const auto* fingerprint : {"", "00ff"}) {
    peer.certificate_sha256 = fingerprint;
    write(*AccessLog::open(options, false).value(), record, request, peer);
  }
  ASSERT_EQ(lines().size(), 2u);
  EXPECT_THAT(
      lines()[0],
      MatchesRegex(
          R"([0-9TZ:.-]+ 192.0.2.7 "GET http://a.example/x HTTP/1.1" 200 5B [0-9]+us id=some-id)"));
  EXPECT_THAT(lines()[1], testing::EndsWith("us client_cert_sha256=00ff id=some-id"));
}

TEST_F(AccessLogTest, AFileGrowsOverRestartsAndKeepsEveryLineInOrder) {
  AccessRecord record;
  record.began = base::Clock::now();
  for (int run = 0; run < 2; ++run) {
    auto log = AccessLog::open(options, true).value();
    for (int i = 0; i < 500; ++i) {
      record.status = static_cast<std::uint16_t>(run * 500 + i);
      write(*log, record, head());
    }
  }
  const auto all = lines();
  ASSERT_EQ(all.size(), 1000u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(nlohmann::json::parse(all[i])["status"], i);
  }
}

TEST_F(AccessLogTest, WhatDoesNotFitIsCountedAndTheCountIsWritten) {
  options.file = folder + "/pipe";
  ASSERT_EQ(::mkfifo(options.file.c_str(), 0600), 0);
  const int reader = ::open(options.file.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  auto log = AccessLog::open(options, true).value();  // whose writer hangs once the pipe is full
  AccessRecord record;
  record.began = base::Clock::now();
  record.error = std::string(60'000, 'e');
  const int wanted = 300;
  for (int i = 0; i < wanted; ++i) write(*log, record, head());
  std::thread closing([&log] { log.reset(); });
  ::fcntl(reader, F_SETFL, 0);
  std::string text;
  std::vector<char> piece(65536);
  for (;;) {
    const auto got = ::read(reader, piece.data(), piece.size());
    if (got <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  closing.join();
  ::close(reader);
  int written = 0;
  int lost = 0;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const auto parsed = nlohmann::json::parse(line);
    if (parsed.contains("lost_lines")) {
      lost += parsed["lost_lines"].get<int>();
    } else {
      ++written;
    }
  }
  EXPECT_GT(lost, 0);
  EXPECT_EQ(written + lost, wanted);
}

TEST_F(AccessLogTest, AFileThatCannotBeOpenedIsNamed) {
  options.file = folder + "/no/such/folder.log";
  const auto log = AccessLog::open(options, true);
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error().detail, HasSubstr(options.file));
}

TEST_F(AccessLogTest, EveryRequestHasItsLine) {
  auto config = proxy_to({"http://127.0.0.1:1"});
  config.log.access = options;
  {
    Stage stage(loop, std::move(config));
    Visit visit(stage);
    EXPECT_EQ(status_of(visit.ask(get("/first"))), 502);
    EXPECT_EQ(status_of(visit.ask(get(std::string(Exchange::kHealthPath)))), 502);
  }
  ASSERT_EQ(lines().size(), 2u);
  EXPECT_THAT(lines()[0], HasSubstr("\"GET http://a.example/first HTTP/1.1\" 502"));
  EXPECT_THAT(lines()[0], HasSubstr("upstream=127.0.0.1:1"));
  EXPECT_THAT(lines()[0], HasSubstr("refused"));
}

}  // namespace
}  // namespace gatehouse::proxy::access_log_test
