// Heads of HTTP/1.1: a browser's request and an application's answer, read and written anew.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "http/framing.h"
#include "http/serialise.h"

namespace gatehouse::bench::http1_head_bench {
namespace {

constexpr std::string_view kRequest =
    "GET /shop/articles?page=2&sort=price HTTP/1.1\r\n"
    "Host: shop.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Referer: https://shop.example.com/shop\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; seen=1\r\n"
    "Connection: keep-alive\r\n\r\n";

constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Date: Thu, 26 Nov 2026 00:00:00 GMT\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Length: 1024\r\n"
    "Cache-Control: no-cache, private\r\n"
    "ETag: \"0123456789abcdef\"\r\n"
    "Vary: Accept-Encoding\r\n"
    "Set-Cookie: session=0123456789abcdef0123456789abcdef; Path=/; HttpOnly; Secure\r\n\r\n";

using Kind = http::Http1Head::Kind;

// The bytes of a head, read.
const http::RawHead& parse(http::Http1Head& reader, std::string_view text) {
  reader.restart();
  if (reader.look(base::as_bytes(text)) != http::Http1Head::Verdict::kWhole) std::abort();
  return reader.raw();
}

void read_request(benchmark::State& state) {
  http::Http1Head reader(Kind::kRequest, http::HeadLimits());
  http::RequestHead head;
  http::Persistence persistence{};
  for (auto _ : state) {
    if (http::read_request(parse(reader, kRequest), head, persistence)) std::abort();
    benchmark::DoNotOptimize(head);
  }
}
BENCHMARK(read_request)->Name("http1/read_request_head");

void read_response(benchmark::State& state) {
  http::Http1Head reader(Kind::kResponse, http::HeadLimits());
  http::ResponseHead head;
  http::Persistence persistence{};
  for (auto _ : state) {
    if (http::read_response(parse(reader, kResponse), {}, head, persistence)) std::abort();
    benchmark::DoNotOptimize(head);
  }
}
BENCHMARK(read_response)->Name("http1/read_response_head");

void write_request(benchmark::State& state) {
  http::Http1Head reader(Kind::kRequest, http::HeadLimits());
  http::RequestHead head;
  http::Persistence persistence{};
  if (http::read_request(parse(reader, kRequest), head, persistence)) std::abort();
  base::Text out;
  for (auto _ : state) {
    out.clear();
    http::append_request_head(out, head);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(write_request)->Name("http1/write_request_head");

void write_response(benchmark::State& state) {
  http::Http1Head reader(Kind::kResponse, http::HeadLimits());
  http::ResponseHead head;
  http::Persistence persistence{};
  if (http::read_response(parse(reader, kResponse), {}, head, persistence)) std::abort();
  const auto framing = http::frame_response(http::RequestHead(), head, false);
  base::Text out;
  for (auto _ : state) {
    out.clear();
    http::append_response_head(out, head, framing);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(write_response)->Name("http1/write_response_head");

}  // namespace
}  // namespace gatehouse::bench::http1_head_bench
