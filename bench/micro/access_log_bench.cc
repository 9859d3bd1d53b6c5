// A line of the access log, from the exchange's record into the queue; its thread writes meanwhile.
#include <benchmark/benchmark.h>

#include "proxy/access_log.h"
#include "proxy/client_facts.h"
#include "proxy/request_facts.h"

namespace gatehouse::bench::access_log_bench {
namespace {

void write_line(benchmark::State& state, bool json) {
  config::AccessLog options;
  options.enabled = true;
  options.file = "/dev/null";
  auto log = proxy::AccessLog::open(options, json);
  if (!log) {
    state.SkipWithError(log.error().detail.c_str());
    return;
  }
  proxy::AccessRecord record;
  record.began = base::Clock::now();
  record.status = 200;
  record.body_bytes = 1024;
  record.upstream = "127.0.0.1:3000";
  http::RequestHead head;
  head.method = "GET";
  head.target = "/shop/articles?page=2&sort=price";
  head.authority = "shop.example.com";
  proxy::ClientFacts peer;
  peer.ip = "192.0.2.7";
  peer.tls = true;
  peer.server_name = "shop.example.com";
  proxy::RequestFacts facts;
  facts.client_ip = peer.ip;
  facts.is_https = true;
  facts.request_id = "0123456789abcdef0123456789abcdef";
  for (auto _ : state) (*log)->write(record, head, peer, facts);
}
BENCHMARK_CAPTURE(write_line, json, true)->Name("access_log/line_json");
BENCHMARK_CAPTURE(write_line, text, false)->Name("access_log/line_text");

}  // namespace
}  // namespace gatehouse::bench::access_log_bench
