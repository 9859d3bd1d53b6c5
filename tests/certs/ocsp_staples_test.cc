#include "certs/ocsp_staples.h"

#include <gtest/gtest.h>

#include "tests/acme/loop_server.h"
#include "tests/base/skipped_time.h"
#include "tests/certs/memory_storage.h"
#include "tests/tls/ocsp_answers.h"

namespace gatehouse::certs::ocsp_staples_test {
namespace {

using acme::ScriptReply;
using acme::ScriptRequest;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct OcspStaplesTest : testing::Test {
  OcspStaplesTest() { start(); }
  ~OcspStaplesTest() override {
    time.pass(2 * OcspResponders::kQuestionTime);  // what is under way ends
    EXPECT_TRUE(time.run(staples->stop(base::Deadline::in(base::Duration(1)))));
  }

  // As a process starts anew on the same storage.
  void start() {
    if (staples) {
      EXPECT_TRUE(time.run(staples->stop(base::Deadline::in(base::Duration(1)))));
    }
    OcspStaples::Parts parts{loop,    blocking,  resolver, *trust,
                             storage, inventory, renewals, &base::wall_now};
    parts.enabled = enabled;
    staples = std::make_unique<OcspStaples>(parts);
    staples->start();
  }
  tls::CertificateRef make(const std::string& name = "a.example") {
    tls::TestRequest request;
    request.names = {name};
    request.responder = responder.url("/ocsp");
    request.not_after = base::wall_now() + std::chrono::days(90);
    return ca.certificate(request);
  }
  Record record_of(const tls::CertificateRef& certificate) {
    Record record;
    record.issuer = "main";
    record.names = {certificate->leaf().names.front()};
    record.obtained = base::wall_now() - hours(24);
    record.certificate = certificate;
    return record;
  }
  // Watched, and whatever is to be done at once is done.
  void watch(const tls::CertificateRef& certificate) {
    asked_about = tls::ocsp_question(certificate->chain()).value();
    staples->watch(record_of(certificate));
    time.settle();
  }
  static bool stapled(const tls::CertificateRef& certificate) {
    return certificate->staple()->until() > base::wall_now();
  }
  ScriptReply hear(const ScriptRequest& request) {
    requests.push_back(request);
    return reply();
  }
  // The CA's own answer, a response that lasts for `life` from now on.
  ScriptReply said(tls::OcspStatus status = tls::OcspStatus::kGood) {
    tls::OcspSaid what;
    what.status = status;
    what.this_update = base::wall_now();
    what.next_update = base::wall_now() + life;
    return ScriptReply(200, tls::OcspAnswers(ca).about(asked_about, what));
  }

  base::Loop loop;
  base::BlockingPool blocking{1};
  base::SkippedTime time{loop, blocking};
  base::Resolver resolver;
  std::unique_ptr<tls::ClientContext> trust = [] {
    tls::ClientOptions options;
    options.system_roots = false;
    return tls::ClientContext::make(std::move(options)).value();
  }();
  MemoryStorage storage{loop};
  Inventory inventory{blocking, storage};
  Schedule renewals{loop, &base::wall_now};
  tls::TestCa ca;
  seconds life = hours(24);
  tls::OcspQuestion asked_about;
  std::vector<ScriptRequest> requests;
  std::function<ScriptReply()> reply = [this] { return said(); };
  acme::LoopServer responder{[this](const ScriptRequest& request) { return hear(request); }, loop};
  bool enabled = true;
  std::unique_ptr<OcspStaples> staples;
};

TEST_F(OcspStaplesTest, AreFetchedOnceByAUrlThatCachesKnow) {
  const auto certificate = make();
  watch(certificate);
  EXPECT_TRUE(stapled(certificate));
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].method, "GET");
  EXPECT_TRUE(requests[0].path.starts_with("/ocsp/MF")) << requests[0].path;
  staples->watch(record_of(certificate));
  time.pass(hours(11));
  EXPECT_EQ(requests.size(), 1U);
}

TEST_F(OcspStaplesTest, AreReplacedAtHalfOfTheirLifeButNotAllAtOnce) {
  const auto certificate = make();
  watch(certificate);
  for (std::size_t i = 1; i < 4; ++i) {
    const auto until = certificate->staple()->until();
    const auto before = base::wall_now();
    time.until([&] { return requests.size() > i && certificate->staple()->until() > until; });
    EXPECT_GE(base::wall_now() - before, hours(12));
    EXPECT_LE(base::wall_now() - before, hours(15));
    EXPECT_LT(base::wall_now(), until);
  }
}

TEST_F(OcspStaplesTest, ThatLastForYearsAreReplacedInDays) {
  life = std::chrono::years(5);
  const auto certificate = make();
  watch(certificate);
  time.pass(std::chrono::days(5));
  EXPECT_EQ(requests.size(), 2U);
}

TEST_F(OcspStaplesTest, ThatLastForSecondsDoNotMakeAFlood) {
  life = seconds(2);
  const auto certificate = make();
  watch(certificate);
  time.pass(minutes(10));
  EXPECT_LE(requests.size(), 11U);
  EXPECT_GE(requests.size(), 5U);
}

TEST_F(OcspStaplesTest, OfAResponderThatRepeatsItselfAreNotAskedForAllTheTime) {
  const auto certificate = make();
  asked_about = tls::ocsp_question(certificate->chain()).value();
  const auto same = said();
  reply = [&] { return same; };
  watch(certificate);
  time.pass(hours(23));
  EXPECT_TRUE(stapled(certificate));
  EXPECT_GE(requests.size(), 3U);
  EXPECT_LE(requests.size(), 20U);
}

TEST_F(OcspStaplesTest, AreNotReplacedByOlderOnesFromACache) {
  const auto certificate = make();
  asked_about = tls::ocsp_question(certificate->chain()).value();
  const auto older = said();
  time.pass(hours(1));
  watch(certificate);
  const auto until = certificate->staple()->until();
  reply = [&] { return older; };
  time.until([&] { return requests.size() > 1; });
  EXPECT_EQ(certificate->staple()->until(), until);
}

TEST_F(OcspStaplesTest, SurviveARestartAndAreCheckedAgain) {
  const auto certificate = make();
  watch(certificate);
  ASSERT_TRUE(storage.held().records.contains("ocsp/main/a.example"));
  start();
  const auto again = tls::Certificate::make(certificate->chain_pem(), certificate->key()).value();
  watch(again);
  EXPECT_TRUE(stapled(again));
  EXPECT_EQ(requests.size(), 1U);
  // What is not about this very certificate, or not of the CA at all, is fetched anew.
  const auto renewed = make();
  watch(renewed);
  EXPECT_TRUE(stapled(renewed));
  EXPECT_EQ(requests.size(), 2U);
  auto& record = storage.held().records["ocsp/main/a.example"];
  record[record.size() / 2] ^= 1;
  start();
  const auto third = tls::Certificate::make(renewed->chain_pem(), renewed->key()).value();
  watch(third);
  EXPECT_TRUE(stapled(third));
  EXPECT_EQ(requests.size(), 3U);
}

TEST_F(OcspStaplesTest, ThatHaveRunOutMeanwhileAreNotUsed) {
  const auto certificate = make();
  watch(certificate);
  start();
  time.pass(hours(24));
  reply = [] { return ScriptReply(503); };
  const auto again = tls::Certificate::make(certificate->chain_pem(), certificate->key()).value();
  watch(again);
  EXPECT_FALSE(stapled(again));
}

TEST_F(OcspStaplesTest, ThatAnotherProcessFetchedAreTaken) {
  const auto certificate = make();
  watch(certificate);
  const auto before = certificate->staple()->until();
  time.pass(hours(11));
  storage.held().records["ocsp/main/a.example"] = said().body;
  time.pass(hours(5));
  EXPECT_GT(certificate->staple()->until(), before);
  EXPECT_EQ(requests.size(), 1U);
}

TEST_F(OcspStaplesTest, StayWhileTheResponderIsDeadUntilTheyRunOut) {
  const auto certificate = make();
  watch(certificate);
  const auto until = certificate->staple()->until();
  reply = [] {
    ScriptReply reply;
    reply.hang_up = true;
    return reply;
  };
  time.pass(hours(23));
  EXPECT_TRUE(stapled(certificate));
  EXPECT_EQ(certificate->staple()->until(), until);
  EXPECT_GT(requests.size(), 3U);
  time.pass(hours(1));
  EXPECT_FALSE(stapled(certificate));
  reply = [this] { return said(); };
  time.pass(minutes(80));
  EXPECT_TRUE(stapled(certificate));
}

TEST_F(OcspStaplesTest, AreNotMadeOfWhatIsNoGoodAnswerAndAskedForAgainByPost) {
  const tls::TestCa other;
  ScriptReply silent;
  silent.silent = true;
  const std::vector<std::function<ScriptReply()>> bad = {
      [this] { return said(tls::OcspStatus::kUnknown); },
      [] { return ScriptReply(404, "no such page"); },
      [] { return ScriptReply(200, "<html>Welcome to the hotel</html>"); },
      [] { return ScriptReply(200, tls::OcspAnswers::refusal(3)); },
      [] { return ScriptReply(200, tls::OcspAnswers::refusal(6)); },
      [] { return ScriptReply(200, std::string(tls::kMostOcspResponse + 1, 'x')); },
      [] { return ScriptReply(302).with("Location", "http://127.0.0.1:1/"); },
      [&] { return ScriptReply(200, tls::OcspAnswers(other).about(asked_about)); },
      [silent] { return silent; },
  };
  for (const auto& one : bad) {
    requests.clear();
    reply = one;
    const auto certificate = make();
    watch(certificate);
    time.pass(OcspResponders::kQuestionTime);
    EXPECT_FALSE(stapled(certificate));
    EXPECT_EQ(requests.size(), 1U);
    EXPECT_FALSE(storage.held().records.contains("ocsp/main/a.example"));
    reply = [this] { return said(); };
    time.pass(minutes(2));
    EXPECT_TRUE(stapled(certificate));
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_EQ(requests[1].method, "POST");
    EXPECT_EQ(requests[1].path, "/ocsp");
    EXPECT_EQ(requests[1].body, tls::ocsp_request(asked_about));
    EXPECT_EQ(requests[1].fields["content-type"], "application/ocsp-request");
    storage.held().records.clear();
  }
}

TEST_F(OcspStaplesTest, AResponderThatPoursOrDripsIsCutOff) {
  for (const bool pours : {false, true}) {
    reply = [pours] {
      ScriptReply reply;
      reply.raw = "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n";
      (pours ? reply.poured : reply.dripped) = std::string(pours ? 4096 : 1, 'x');
      return reply;
    };
    const auto certificate = make(pours ? "a.example" : "b.example");
    watch(certificate);
    time.pass(OcspResponders::kQuestionTime + base::Duration(1'000));
    EXPECT_FALSE(stapled(certificate));
    reply = [this] { return said(); };
    time.pass(minutes(2));
    EXPECT_TRUE(stapled(certificate));
  }
}

TEST_F(OcspStaplesTest, OfARevokedCertificateAreTakenAwayAndItIsDue) {
  const auto certificate = make();
  watch(certificate);
  EXPECT_TRUE(stapled(certificate));
  reply = [this] { return said(tls::OcspStatus::kRevoked); };
  time.pass(hours(15));
  EXPECT_FALSE(stapled(certificate));
  EXPECT_FALSE(storage.held().records.contains("ocsp/main/a.example"));
  ASSERT_TRUE(renewals.due("a.example"));
  EXPECT_LE(*renewals.due("a.example"), base::wall_now());
  const auto plan = time.run(inventory.load_plan("main", "a.example"));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->serial, certificate->leaf().serial);
  EXPECT_TRUE(plan->demanded);
}

TEST_F(OcspStaplesTest, OfACaThatRevokesWhateverItSignsMakeAnOrderAnHour) {
  const auto certificate = make();
  reply = [this] { return said(tls::OcspStatus::kRevoked); };
  asked_about = tls::ocsp_question(certificate->chain()).value();
  auto record = record_of(certificate);
  record.obtained = base::wall_now();
  staples->watch(record);
  time.settle();
  ASSERT_TRUE(renewals.due("a.example"));
  EXPECT_EQ(*renewals.due("a.example"), record.obtained + OcspStaples::kReplaceAfter);
}

TEST_F(OcspStaplesTest, OfFilesAreKeptByTheirPathAndOrderNothingWhenRevoked) {
  const auto certificate = make();
  asked_about = tls::ocsp_question(certificate->chain()).value();
  staples->watch_file("/etc/tls/a b.pem", certificate);
  time.settle();
  EXPECT_TRUE(stapled(certificate));
  EXPECT_EQ(storage.held().records.size(), 1U);
  EXPECT_TRUE(storage.held().records.begin()->first.starts_with("ocsp/files/"));
  reply = [this] { return said(tls::OcspStatus::kRevoked); };
  time.pass(hours(15));
  EXPECT_FALSE(stapled(certificate));
  EXPECT_EQ(renewals.size(), 0U);
  EXPECT_TRUE(storage.held().records.empty());
}

TEST_F(OcspStaplesTest, AskNobodyTwiceWhereAResponderIsSilentForAll) {
  reply = [] {
    ScriptReply reply;
    reply.silent = true;
    return reply;
  };
  std::vector<tls::CertificateRef> all;
  for (int i = 0; i < 100; ++i) {
    all.push_back(make("a" + std::to_string(i) + ".example"));
    staples->watch(record_of(all.back()));
  }
  time.pass(base::Duration(9'000));
  EXPECT_EQ(requests.size(), OcspStaples::kAtOnce);
  time.pass(hours(1));
  EXPECT_LT(requests.size(), 20U);
}

TEST_F(OcspStaplesTest, OfAReplacedCertificateAreNotAskedForAnyMore) {
  const auto certificate = make();
  watch(certificate);
  const auto next = make();
  watch(next);
  EXPECT_TRUE(stapled(next));
  EXPECT_EQ(requests.size(), 2U);
  time.pass(hours(16));
  EXPECT_EQ(requests.size(), 3U);
}

TEST_F(OcspStaplesTest, OfACertificateThatNobodyHoldsAreForgotten) {
  auto certificate = make();
  watch(certificate);
  certificate.reset();
  time.pass(std::chrono::days(10));
  EXPECT_EQ(requests.size(), 1U);
}

TEST_F(OcspStaplesTest, AreServedAlsoWhenStorageFails) {
  storage.fail_loads = storage.fail_stores = true;
  const auto certificate = make();
  watch(certificate);
  EXPECT_TRUE(stapled(certificate));
}

TEST_F(OcspStaplesTest, ThatAreTurnedOffOrOfNoResponderAskNobody) {
  staples->watch(record_of(ca.certificate({"b.example"})));
  time.settle();
  enabled = false;
  start();
  const auto certificate = make();
  watch(certificate);
  time.pass(hours(24));
  EXPECT_FALSE(stapled(certificate));
  EXPECT_TRUE(requests.empty());
}

}  // namespace
}  // namespace gatehouse::certs::ocsp_staples_test
