// A worker's parts on the test's own loop: requests come in raw at a loopback connection and go
// through Http1Server and Exchange as in the process.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "config/load.h"
#include "http/http1_server.h"
#include "proxy/exchange.h"
#include "proxy/protocol_options.h"
#include "tests/http/wire.h"
#include "tests/proxy/origin.h"

namespace gatehouse::proxy {

inline config::Config config_of(const std::string& text) {
  auto loaded = config::load(text, config::process_environment);
  if (!loaded) throw std::runtime_error(config::render("test", loaded.error()));
  return std::move(*loaded);
}

// A plain site for every host that forwards to `urls`.
inline config::Config proxy_to(const std::vector<std::string>& urls, const std::string& more = "") {
  std::string list;
  for (const auto& url : urls) list += (list.empty() ? "\"" : ", \"") + url + "\"";
  return config_of(R"({ "listen": { "https": [], "http": [":8080"] }, )" + more +
                   R"("sites": [{ "hosts": ["*"], "tls": false, "proxy": [)" + list + "] }] }");
}

class Visit;

class Stage {
 public:
  Stage(base::Loop& on, config::Config config)
      : loop(on),
        snapshot(std::move(config)),
        upstreams(loop, resolver, options(snapshot.config)),
        access_log(AccessLog::open(snapshot.config.log.access, false).value()) {}
  ~Stage() { http::run_task(loop, upstreams.stop()); }

  base::Loop& loop;
  base::Resolver resolver;
  Snapshot snapshot;
  Upstreams upstreams;
  certs::ChallengeStore challenges;
  std::unique_ptr<AccessLog> access_log;
  base::MemoryBudget memory{1000};
  base::AbuseCounters abuse;
  std::size_t exchanges = 0;
  http::Http1ServerOptions server_options;

 private:
  static UpstreamOptions options(const config::Config& config) {
    UpstreamOptions out;
    out.connect = config.timeouts.upstream_connect;
    out.client = http1_client_options(config);
    out.http2 = http2_client_options(config);
    return out;
  }
};

// A client's connection.
class Visit {
 public:
  explicit Visit(Stage& stage, ClientFacts facts = client())
      : wire(stage.loop),
        transport(std::move(wire.ours)),
        server(transport, stage.server_options),
        peer(wire.theirs),
        over(stage.loop),
        stage_(stage),
        facts_(std::move(facts)) {
    stage.loop.spawn(serve(), "visit");
  }
  // Closes; returns when the connection's task has ended.
  ~Visit() {
    wire.theirs.close_with_reset();
    http::run_task(stage_.loop, end());
  }

  static ClientFacts client() {
    ClientFacts facts;
    facts.ip = "192.0.2.7";
    return facts;
  }

  // Says `request` and hears one response, or what there was of it.
  std::string ask(std::string request) {
    return http::run_task(stage_.loop, talk(std::move(request)));
  }
  // Says it and hears everything until the connection ends.
  std::string ask_to_the_end(std::string request) {
    return http::run_task(stage_.loop, talk_to_the_end(std::move(request)));
  }

  http::Wire wire;
  tls::Transport transport;
  http::Http1Server server;
  http::RawPeer peer;
  base::Event over;              // the connection has ended
  Exchange* exchange = nullptr;  // while one runs

 private:
  base::Task<void> serve() {
    const ExchangeParts parts{stage_.loop,        stage_.upstreams, stage_.challenges,
                              *stage_.access_log, stage_.memory,    stage_.abuse,
                              stage_.exchanges};
    for (;;) {
      auto stream = co_await server.next();
      if (!stream || *stream == nullptr) break;
      Exchange one(parts, stage_.snapshot, facts_, **stream);
      exchange = &one;
      co_await one.run();
      exchange = nullptr;
    }
    transport.close();
    over.set();
  }
  base::Task<void> end() {
    if (exchange != nullptr) exchange->cut();
    (void)co_await over.wait();
  }
  base::Task<std::string> talk(std::string request) {
    co_await peer.say(std::move(request));
    auto answer = co_await hear_message(peer);
    co_return answer;
  }
  base::Task<std::string> talk_to_the_end(std::string request) {
    co_await peer.say(std::move(request));
    auto answer = co_await peer.hear_all();
    co_return answer;
  }

  Stage& stage_;
  ClientFacts facts_;
};

inline std::string get(const std::string& path, const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n";
}
inline std::string post(const std::string& body, const std::string& fields = "") {
  return "POST /p HTTP/1.1\r\nHost: a.example\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + fields + "\r\n" + body;
}
inline int status_of(const std::string& response) {
  return response.size() < 12 ? 0 : std::stoi(response.substr(9, 3));
}
inline std::string body_of(const std::string& message) {
  const auto at = message.find("\r\n\r\n");
  return at == std::string::npos ? "" : message.substr(at + 4);
}

// What a test of exchanges lives in.
struct StageTest : testing::Test {
  ~StageTest() override { EXPECT_EQ(base::thrown_tasks(), 0u); }
  base::Loop loop;
};

}  // namespace gatehouse::proxy
