// From a name in a ClientHello to its certificate.
#include <benchmark/benchmark.h>

#include "tests/tls/test_ca.h"
#include "tls/certificate_store.h"

namespace gatehouse::bench::certificate_store_bench {
namespace {

std::string name(std::size_t number) { return "shop-" + std::to_string(number) + ".example.com"; }

void find(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const tls::TestCa ca;
  const auto certificate = ca.certificate({"shop-0.example.com"});
  tls::CertificateStore store;
  for (std::size_t i = 0; i < count; ++i) store.put({name(i)}, certificate);
  std::vector<std::string> asked;
  for (std::size_t i = 0; i < 1024; ++i) asked.push_back(name(i * 7919 % count));
  std::size_t next = 0;
  for (auto _ : state) {
    auto found = store.find(asked[next++ % asked.size()]);
    if (found == nullptr) state.SkipWithError("a certificate is not found");
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(find)->Name("certificate_store/find")->Arg(10)->Arg(100'000);

}  // namespace
}  // namespace gatehouse::bench::certificate_store_bench
