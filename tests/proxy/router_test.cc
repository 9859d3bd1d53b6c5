#include "proxy/router.h"

#include <gtest/gtest.h>

namespace gatehouse::proxy::router_test {
namespace {

config::Site site(std::vector<std::string> hosts, std::uint16_t status) {
  config::Site made;
  made.hosts = std::move(hosts);
  config::Route route;
  config::Respond respond;
  respond.status = status;
  route.action = respond;
  made.routes.push_back(std::move(route));
  return made;
}

config::Route route(std::vector<std::string> paths, std::uint16_t status) {
  config::Route made;
  made.match.path = std::move(paths);
  config::Respond respond;
  respond.status = status;
  made.action = respond;
  return made;
}

int status_of(const CompiledRoute* route) {
  return route == nullptr ? 0 : std::get<config::Respond>(*route->action).status;
}
int status_of(const CompiledSite* site, std::string_view path = "/") {
  return site == nullptr ? 0 : status_of(site->find(path));
}

TEST(PathPattern, ExactMatchesItselfOnly) {
  const PathPattern pattern("/a");
  EXPECT_TRUE(pattern.matches("/a"));
  EXPECT_FALSE(pattern.matches("/a/"));
  EXPECT_FALSE(pattern.matches("/ab"));
  EXPECT_FALSE(pattern.matches("/A"));
}

TEST(PathPattern, PrefixMatchesWhatIsBelowAndTheFolderItself) {
  const PathPattern pattern("/api/*");
  EXPECT_TRUE(pattern.matches("/api/"));
  EXPECT_TRUE(pattern.matches("/api/x/y"));
  EXPECT_TRUE(pattern.matches("/api"));
  EXPECT_FALSE(pattern.matches("/apis"));
  EXPECT_FALSE(pattern.matches("/ap"));
  EXPECT_TRUE(PathPattern("/*").matches("/"));
}

TEST(PathPattern, SuffixMatchesTheEnd) {
  const PathPattern pattern("*.png");
  EXPECT_TRUE(pattern.matches("/x/y.png"));
  EXPECT_FALSE(pattern.matches("/x/y.png/z"));
}

TEST(Router, TheMostSpecificHostWinsWhateverTheOrder) {
  config::Config config;
  config.sites.push_back(site({"*"}, 201));
  config.sites.push_back(site({"*.example.com"}, 202));
  config.sites.push_back(site({"a.example.com", "example.com"}, 203));
  const Router router(config);
  EXPECT_EQ(status_of(router.find("a.example.com")), 203);
  EXPECT_EQ(status_of(router.find("example.com")), 203);
  EXPECT_EQ(status_of(router.find("b.example.com")), 202);
  EXPECT_EQ(status_of(router.find("a.b.example.com")), 201) << "a wildcard is one label";
  EXPECT_EQ(status_of(router.find("other.test")), 201);
  EXPECT_EQ(status_of(router.find("")), 201);
}

TEST(Router, AHostOfNoSiteIsFoundNowhere) {
  config::Config config;
  config.sites.push_back(site({"*.example.com", "203.0.113.5", "2001:db8::1"}, 200));
  const Router router(config);
  EXPECT_EQ(router.find("example.com"), nullptr);
  EXPECT_EQ(router.find(""), nullptr);
  EXPECT_EQ(router.find(".example.org"), nullptr);
  EXPECT_NE(router.find("203.0.113.5"), nullptr);
  EXPECT_NE(router.find("2001:db8::1"), nullptr);
}

TEST(Router, TheFirstRouteThatMatchesIsTaken) {
  config::Config config;
  config::Site one;
  one.hosts = {"a.example"};
  one.routes = {route({"/x", "/api/*"}, 201), route({"*.png"}, 202), route({"/api/*"}, 203)};
  config.sites.push_back(one);
  const Router router(config);
  const auto* found = router.find("a.example");
  EXPECT_EQ(status_of(found, "/api/logo.png"), 201);
  EXPECT_EQ(status_of(found, "/logo.png"), 202);
  EXPECT_EQ(status_of(found, "/x"), 201);
  EXPECT_EQ(status_of(found, "/y"), 0);
}

TEST(Router, TakesTheLocalAddressForTheHostOfWhoNamesNone) {
  config::Config config;
  config.sites.push_back(site({"192.0.2.1", "a.example"}, 200));
  config.sites.push_back(site({"2001:db8::1"}, 201));
  config.sites.push_back(site({"192.0.2.9"}, 202));
  config.sites.back().tls.enabled = false;
  const Router router(config);
  EXPECT_EQ(router.host_at("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(router.host_at("2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(router.host_at("192.0.2.9"), "");
  EXPECT_EQ(router.host_at("10.0.0.1"), "");
}

TEST(Router, TakesTheOnlyAddressThatIsAHostBehindANat) {
  config::Config config;
  config.sites.push_back(site({"a.example", "192.0.2.1"}, 200));
  EXPECT_EQ(Router(config).host_at("10.0.0.1"), "192.0.2.1");
  config.sites.front().hosts.pop_back();
  EXPECT_EQ(Router(config).host_at("10.0.0.1"), "");
}

}  // namespace
}  // namespace gatehouse::proxy::router_test
