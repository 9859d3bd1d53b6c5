// From a host to its site and from a path to its route.
#include <benchmark/benchmark.h>

#include "proxy/router.h"

namespace gatehouse::bench::router_bench {
namespace {

std::string host(std::size_t number) { return "shop-" + std::to_string(number) + ".example.com"; }

config::Route route(std::string path) {
  config::Route made;
  made.match.path.push_back(std::move(path));
  made.action = config::Respond();
  return made;
}

// As many sites as asked for, of one host each, and a wildcard.
config::Config sites(std::size_t count) {
  config::Config config;
  for (std::size_t i = 0; i < count; ++i) {
    config::Site site;
    site.hosts.push_back(host(i));
    site.routes.push_back(route("/*"));
    config.sites.push_back(std::move(site));
  }
  config::Site wildcard;
  wildcard.hosts.push_back("*.example.net");
  wildcard.routes.push_back(route("/*"));
  config.sites.push_back(std::move(wildcard));
  return config;
}

void find_site(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const auto config = sites(count);
  const proxy::Router router(config);
  std::vector<std::string> asked;
  for (std::size_t i = 0; i < 1024; ++i) asked.push_back(host(i * 7919 % count));
  std::size_t next = 0;
  for (auto _ : state) {
    const auto* site = router.find(asked[next++ % asked.size()]);
    if (site == nullptr) state.SkipWithError("a site is not found");
    benchmark::DoNotOptimize(site);
  }
}
BENCHMARK(find_site)->Name("router/find_site")->Arg(10)->Arg(100'000);

void find_wildcard(benchmark::State& state) {
  const auto config = sites(static_cast<std::size_t>(state.range(0)));
  const proxy::Router router(config);
  for (auto _ : state) {
    const auto* site = router.find("www.example.net");
    if (site == nullptr) state.SkipWithError("a site is not found");
    benchmark::DoNotOptimize(site);
  }
}
BENCHMARK(find_wildcard)->Name("router/find_wildcard")->Arg(10)->Arg(100'000);

void find_last_route(benchmark::State& state) {
  config::Config config;
  config::Site site;
  site.hosts.push_back("a.example.com");
  for (int i = 1; i < state.range(0); ++i) {
    site.routes.push_back(route("/section-" + std::to_string(i) + "/*"));
  }
  site.routes.push_back(route("/*"));
  config.sites.push_back(std::move(site));
  const proxy::Router router(config);
  const auto* found = router.find("a.example.com");
  for (auto _ : state) benchmark::DoNotOptimize(found->find("/articles/of/the/day"));
}
BENCHMARK(find_last_route)->Name("router/find_last_route")->Arg(1)->Arg(20);

}  // namespace
}  // namespace gatehouse::bench::router_bench
