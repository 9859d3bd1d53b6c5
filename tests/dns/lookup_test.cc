#include "dns/lookup.h"

#include <gmock/gmock.h>

#include <fstream>

#include "dns/propagation.h"
#include "tests/base/on_loop.h"
#include "tests/dns/fake_server.h"
#include "tests/storage/folder.h"

namespace gatehouse::dns::lookup_test {
namespace {

using ::testing::HasSubstr;

class DnsLookup : public ::testing::Test {
 protected:
  static base::Deadline soon() { return base::Deadline::in(base::Duration(20'000)); }
  Lookup lookup() { return Lookup(loop, {server.endpoint()}, server.port); }
  NameServer at(const FakeServer& one) {
    NameServer named;
    named.name = "ns";
    named.addresses.push_back(one.endpoint());
    return named;
  }
  base::Result<void> await(std::vector<NameServer> servers, base::Deadline deadline) {
    return base::run(loop, await_txt(loop, std::move(servers), "t.example", "value", deadline));
  }

  base::Loop loop;
  FakeServer server;
};

TEST_F(DnsLookup, FollowsAliasesToTheirEnd) {
  server.add("a.example", Type::kCname, name_data("B.example"));
  server.add("b.example", Type::kCname, name_data("c.example"));
  auto look = lookup();
  EXPECT_EQ(*base::run(loop, look.canonical("a.example", soon())), "c.example");
  EXPECT_EQ(*base::run(loop, look.canonical("z.example", soon())), "z.example");
}

TEST_F(DnsLookup, FollowsNoRingAndNoEndlessChain) {
  server.add("a.example", Type::kCname, name_data("b.example"));
  server.add("b.example", Type::kCname, name_data("a.example"));
  for (int i = 0; i < 20; ++i) {
    server.add("n" + std::to_string(i), Type::kCname, name_data("n" + std::to_string(i + 1)));
  }
  auto look = lookup();
  EXPECT_THAT(base::run(loop, look.canonical("a.example", soon())).error().detail,
              HasSubstr("a ring"));
  EXPECT_THAT(base::run(loop, look.canonical("n0", soon())).error().detail,
              HasSubstr("more than 8 CNAME"));
}

TEST_F(DnsLookup, TheZoneIsTheNearestAncestorWithASoa) {
  server.add("b.example", Type::kSoa, "");
  server.add("example", Type::kSoa, "");
  auto look = lookup();
  EXPECT_EQ(*base::run(loop, look.zone_of("x.a.b.example", soon())), "b.example");
  EXPECT_EQ(*base::run(loop, look.zone_of("b.example", soon())), "b.example");
  EXPECT_EQ(base::run(loop, look.zone_of("a.test", soon())).error().code, base::Code::kNotFound);
}

TEST_F(DnsLookup, AnAnswersOwnWordOfTheZoneIsTakenOnlyForNamesInIt) {
  Answer answer;
  Record soa;
  soa.type = Type::kSoa;
  soa.name = "example";
  answer.authority.push_back(soa);
  EXPECT_EQ(zone_in(answer, "a.example"), "example");
  EXPECT_EQ(zone_in(answer, "a.myexample"), "");
  answer.authority[0].name = "";
  EXPECT_EQ(zone_in(answer, "a.example"), "") << "the root is nobody's";
}

TEST_F(DnsLookup, FindsAllServersOfAZone) {
  server.add("b.example", Type::kNs, name_data("ns1.b.example"));
  server.add("b.example", Type::kNs, name_data("ns2.b.example"));
  server.add("ns1.b.example", Type::kA, ip_data("127.0.0.1"));
  server.add("ns2.b.example", Type::kA, ip_data("192.0.2.2"));
  server.add("ns2.b.example", Type::kAaaa, std::string(15, '\0') + "\1");
  auto look = lookup();
  const auto servers = base::run(loop, look.servers_of("b.example", soon()));
  ASSERT_TRUE(servers) << servers.error().detail;
  ASSERT_EQ(servers->size(), 2u);
  EXPECT_EQ((*servers)[0].addresses[0], server.endpoint());
  EXPECT_EQ((*servers)[1].addresses[0].host(), "192.0.2.2");
  EXPECT_EQ((*servers)[1].addresses[1].host(), "::1");
  EXPECT_EQ(base::run(loop, look.servers_of("c.example", soon())).error().code,
            base::Code::kNotFound);
}

TEST_F(DnsLookup, AsksTheNextResolverWhenOneDoesNotAnswer) {
  FakeServer refusing;
  refusing.refuse();
  server.add("a.example", Type::kTxt, text_data("value"));
  Lookup look(loop, {refusing.endpoint(), server.endpoint()});
  const auto answer = base::run(loop, look.ask("a.example", Type::kTxt, soon()));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->answers[0].value, "value");
  Lookup none(loop, {refusing.endpoint()});
  EXPECT_THAT(base::run(loop, none.ask("a.example", Type::kTxt, soon())).error().detail,
              HasSubstr("DNS server 127.0.0.1:" + std::to_string(refusing.port) +
                        ": asked for a.example, it says REFUSED"));
}

TEST_F(DnsLookup, WaitsUntilEveryServerHasShownTheValue) {
  FakeServer slow;
  server.add("t.example", Type::kTxt, text_data("another"));
  server.add("t.example", Type::kTxt, text_data("value"));
  slow.add("t.example", Type::kTxt, text_data("value"), 1);
  const auto shown = await({at(server), at(slow)}, soon());
  EXPECT_TRUE(shown) << shown.error().detail;
  EXPECT_EQ(server.asked("t.example", Type::kTxt), 1);
  EXPECT_EQ(slow.asked("t.example", Type::kTxt), 2);
}

TEST_F(DnsLookup, TellsWhichServersDoNotShowTheValueInTime) {
  FakeServer refusing;
  refusing.refuse();
  server.add("t.example", Type::kTxt, text_data("another"));
  NameServer silent;
  silent.name = "nobody";
  const auto late =
      await({at(server), at(refusing), silent}, base::Deadline::in(base::Duration(1'500)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, base::Code::kTimeout);
  EXPECT_EQ(server.asked("t.example", Type::kTxt), 1) << "when no time is left nobody is asked";
  EXPECT_THAT(late.error().detail, HasSubstr("ns does not show it"));
  EXPECT_THAT(late.error().detail, HasSubstr("REFUSED"));
  EXPECT_THAT(late.error().detail, HasSubstr("nobody has no address"));
  const auto shown = await({at(server), at(refusing), silent},
                           base::Deadline(base::Clock::now() - base::Duration(1)));
  ASSERT_FALSE(shown);
  EXPECT_EQ(shown.error().code, base::Code::kTimeout);
}

TEST_F(DnsLookup, AsksTheSystemsResolvers) {
  const storage::Folder folder;
  const std::string file = (folder.path() / "resolv.conf").string();
  std::ofstream(file) << "# comment\nsearch example\nnameserver 192.0.2.1\n"
                      << "nameserver fe80::1%eth0\nnameserver nonsense\nnameserver 2001:db8::1\n"
                      << "nameserver 192.0.2.4\n";
  std::vector<std::string> hosts;
  for (const auto& one : system_resolvers(file)) hosts.push_back(one.text());
  EXPECT_THAT(hosts, ::testing::ElementsAre("192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.4:53"));
  EXPECT_EQ(system_resolvers(file + ".none")[0].text(), "127.0.0.1:53");
}

}  // namespace
}  // namespace gatehouse::dns::lookup_test
