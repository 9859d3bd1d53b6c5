// A CA that errs at every step of an order (RFC 8555 7.1): whatever it answers, the order ends
// within its time, with few requests and an error that says what, where and what to do; nobody else
// is held up; and once the CA is well again the next order succeeds.
#include <gmock/gmock.h>

#include <set>

#include "acme/problem_types.h"
#include "tests/certs/erring_house.h"

namespace gatehouse::certs::erring_ca_test {
namespace {

using acme::ScriptReply;
using acme::ScriptRequest;
using std::chrono::seconds;
using ::testing::HasSubstr;

// A step of an order, by the path of its resource.
struct Step {
  const char* path;
  bool of_one_name;  // else every order needs it
};

void PrintTo(const Step& step, std::ostream* out) { *out << step.path; }

constexpr Step kSteps[] = {
    {"/dir", false},      {"/new-nonce", false},     {"/new-account", false},
    {"/new-order", true}, {"/authorization/", true}, {"/challenge/", true},
    {"/finalize/", true}, {"/order/", true},         {"/certificate/", true}};

// What the CA answers, and how that is called.
struct Fault {
  std::string name;
  ScriptReply reply;
  bool nothing_to_do = false;  // for a person, by the table of problem types
};

// An order that nobody can decide is looked at so often in its five minutes, and a badNonce costs
// one request each.
constexpr int kMostRequests = 90;

struct Erring : ErringHouse {
  // The CA gives this answer wherever the step is a.test's.
  void err(const Step& step, const ScriptReply& reply) {
    ca.intercept = [this, step, reply](const ScriptRequest& request,
                                       const auto&) -> std::optional<ScriptReply> {
      if (!request.path.starts_with(step.path)) return std::nullopt;
      if (step.of_one_name && ca.about != "a.test") return std::nullopt;
      return reply;
    };
  }

  // How a.test's order ended while the CA erred. Another name's at the same time must succeed.
  Ended order_beside_another(const Step& step, bool beside = true) {
    Ended ours;
    Ended other;
    loop.spawn(order_into("a.test", ours), "an order");
    beside = beside && step.of_one_name;
    if (beside) loop.spawn(order_into("b.test", other), "another order");
    time.until([&] { return ours.over && (other.over || !beside); });
    if (!beside) return ours;
    EXPECT_TRUE(other.issued) << other.detail();
    EXPECT_LT(other.took, seconds(10));
    return ours;
  }

  void check(const Step& step, const Fault& fault, bool beside = true) {
    SCOPED_TRACE(fault.name + " at " + step.path);
    if (!step.of_one_name) start_anew();
    ca.nonces_everywhere = std::string_view(step.path) != "/new-nonce";
    ca.processing_looks = std::string_view(step.path) == "/order/" ? 1 : 0;
    err(step, fault.reply);
    const int before = ca.count("/");
    const Ended ended = order_beside_another(step, beside);
    EXPECT_LE(ended.took, Orders::kOrderTime + seconds(1));
    EXPECT_LE(ca.count("/") - before, kMostRequests);
    if (!ended.issued) {
      EXPECT_EQ(ended.issued.error().error.side, base::Side::kCa) << ended.detail();
      EXPECT_THAT(ended.detail(), HasSubstr("127.0.0.1"));
      EXPECT_TRUE(fault.nothing_to_do || !ended.issued.error().advice.empty()) << ended.detail();
      EXPECT_LT(ended.detail().size(), 4096u);
    }
    EXPECT_EQ(challenges.find_tls_alpn("a.test"), nullptr);
    ca.intercept = nullptr;
    if (!beside && ++checked_ % 3 != 0) return;  // what is alike need not be seen each time
    const Ended next = order("a.test");
    EXPECT_TRUE(next.issued) << next.detail();
    EXPECT_LT(next.took, seconds(10));
  }

  int checked_ = 0;
};

struct ErringCaTest : Erring, testing::WithParamInterface<Step> {};

ScriptReply raw(std::string text) {
  ScriptReply reply;
  reply.raw = std::move(text);
  return reply;
}
ScriptReply ended_by_reset(ScriptReply reply) {
  reply.reset = true;
  return reply;
}
ScriptReply hung_up(ScriptReply reply) {
  reply.hang_up = true;
  return reply;
}
ScriptReply dripping(std::string begin, std::string piece) {
  ScriptReply reply = raw(std::move(begin));
  reply.dripped = std::move(piece);
  return reply;
}
ScriptReply pouring(std::string begin, const std::string& piece) {
  ScriptReply reply = raw(std::move(begin));
  while (reply.poured.size() < 0x4000) reply.poured += piece;
  return reply;
}

const std::string kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::vector<Fault> broken_transports() {
  const std::string cut = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"status\": \"val";
  const std::string chunk = "4000\r\n" + std::string(0x4000, ' ') + "\r\n";
  ScriptReply silent;
  silent.silent = true;
  return {{"a reset", ended_by_reset(ScriptReply())},
          {"an end", hung_up(ScriptReply())},
          {"a reset in the head", ended_by_reset(raw("HTTP/1.1 200 O"))},
          {"a reset in the body", ended_by_reset(raw(cut))},
          {"an end in the body", hung_up(raw(cut))},
          {"silence", silent},
          {"silence in the body", raw(cut)},
          {"a head that never ends", dripping("HTTP/1.1 200 OK\r\n", "X: y\r\n")},
          {"a body that never ends", dripping(kChunked, "1\r\n \r\n")},
          {"an endless head", pouring("HTTP/1.1 200 OK\r\n", "X: y\r\n")},
          {"an endless body", pouring(kChunked, chunk)},
          {"endless interim answers", pouring("", "HTTP/1.1 103 Early Hints\r\n\r\n")},
          {"another protocol", hung_up(raw("SSH-2.0-OpenSSH_9.2\r\n"))}};
}

std::vector<Fault> odd_answers() {
  const std::string deep = "{\"status\":" + std::string(100'000, '[') + "}";
  const std::string types =
      R"({"status":["valid"],"identifier":7,"authorizations":{"0":1},"challenges":"none",)"
      R"("finalize":{},"certificate":[7],"newNonce":1,"newAccount":true,"newOrder":[],"meta":3})";
  std::vector<Fault> faults = {
      {"an HTML page", ScriptReply(200, "<html>hello</html>").with("Content-Type", "text/html")},
      {"nothing", ScriptReply(200)},
      {"an array", ScriptReply(200, "[]")},
      {"an empty object", ScriptReply(200, "{}")},
      {"JSON of wrong types", ScriptReply(200, types)},
      {"deep JSON", ScriptReply(200, deep)},
      {"huge JSON", ScriptReply(200, "{\"status\":\"" + std::string(2 << 20, 'x') + "\"}")},
      {"a broken Location", ScriptReply(201, R"({"status":"pending"})").with("Location", "::")},
      {"a strange Location",
       ScriptReply(201, R"({"status":"pending"})").with("Location", "http://192.0.2.1/order")},
      {"a nonce that is none", ScriptReply(200, "{}").with("Replay-Nonce", "no nonce!")},
      {"an unknown status", ScriptReply(200, R"({"status":"thinking"})")},
      {"a status that stays", ScriptReply(200, R"({"status":"processing"})")},
      {"an end without a reason", ScriptReply(200, R"({"status":"invalid"})")},
      {"no challenge", ScriptReply(200, R"({"status":"pending","identifier":{"value":"a.test"},)"
                                        R"("challenges":[{"type":"x","url":"/y"},7]})")},
      {"a redirect to itself", ScriptReply(301).with("Location", "/dir")},
      {"a redirect elsewhere", ScriptReply(302, "moved").with("Location", "http://192.0.2.1/")},
      {"status 600", ScriptReply(600)}};
  for (const int status : {404, 503}) {
    const std::string text = std::to_string(status);
    faults.push_back({"an HTML page, " + text, ScriptReply(status, "<html>sorry</html>")});
  }
  return faults;
}

std::vector<Fault> busy_answers() {
  std::vector<Fault> faults;
  for (const int status : {429, 503}) {
    for (const char* when :
         {"7200", "99999999999999999999", "-1", "Wed, 01 Jan 2200 00:00:00 GMT"}) {
      faults.push_back(
          {std::to_string(status) + ", Retry-After: " + when,
           acme::FakeCa::problem(status, "rateLimited", "busy").with("Retry-After", when)});
    }
  }
  return faults;
}

// Every type where a CA decides; one of each kind where it only shows what it has decided.
std::vector<Fault> problems(std::string_view path) {
  static const std::set<std::string_view> kinds{
      "badNonce", "accountDoesNotExist", "rateLimited",   "serverInternal", "unauthorized",
      "caa",      "userActionRequired",  "alreadyRevoked"};
  const bool decides = path == "/new-account" || path == "/new-order" || path == "/finalize/";
  std::vector<Fault> faults;
  for (const acme::ProblemType& type : acme::problem_types()) {
    if (!decides && !kinds.contains(type.token)) continue;
    const std::string token(type.token);
    const int status = token == "rateLimited" ? 429 : token == "serverInternal" ? 500 : 400;
    faults.push_back(
        {token, acme::FakeCa::problem(status, token, "scripted"), type.advice.empty()});
  }
  return faults;
}

TEST_P(ErringCaTest, ABrokenTransportEndsNoMoreThanItsOrder) {
  for (const Fault& fault : broken_transports()) check(GetParam(), fault);
}

TEST_P(ErringCaTest, AnAnswerThatIsNoAcmeEndsNoMoreThanItsOrder) {
  for (const Fault& fault : odd_answers()) check(GetParam(), fault, false);
}

TEST_P(ErringCaTest, ABusyCaEndsNoMoreThanItsOrder) {
  for (const Fault& fault : busy_answers()) check(GetParam(), fault);
}

TEST_P(ErringCaTest, EachTypeOfErrorEndsNoMoreThanItsOrder) {
  for (const Fault& fault : problems(GetParam().path)) check(GetParam(), fault, false);
}

struct WrongCertificate : Erring {
  void check_chain(const std::string& what, const ErringCa::Sign& wrong) {
    const auto right = ca.sign;
    ca.sign = [&](const std::string& csr, std::vector<std::string> names) {
      return names.front() == "a.test" ? wrong(csr, std::move(names))
                                       : authority.sign_request(csr, std::move(names));
    };
    SCOPED_TRACE(what);
    const int before = ca.count("/new-order");
    const Ended ended = order_beside_another(Step{"/certificate/", true});
    ca.sign = right;
    ASSERT_FALSE(ended.issued);
    EXPECT_EQ(ended.issued.error().error.side, base::Side::kCa);
    EXPECT_FALSE(ended.issued.error().advice.empty()) << ended.detail();
    EXPECT_EQ(ca.count("/new-order") - before, 2);  // no other was tried
    EXPECT_TRUE(order("a.test").issued);
  }
};

TEST_F(WrongCertificate, IsNotTaken) {
  const auto stranger = *tls::PrivateKey::generate(tls::KeyType::kP256);
  const auto chain = [&](const std::string& csr, std::vector<std::string> names) {
    return authority.sign_request(csr, std::move(names));
  };
  check_chain("for another key", [&](const std::string&, std::vector<std::string> names) {
    return authority.sign(stranger, std::move(names));
  });
  check_chain("for other names", [&](const std::string& csr, std::vector<std::string>) {
    return chain(csr, {"b.test"});
  });
  check_chain("expired", [&](const std::string& csr, std::vector<std::string> names) {
    authority.life = -std::chrono::minutes(30);
    auto expired = chain(csr, std::move(names));
    authority.life = std::chrono::hours(12);
    return expired;
  });
  check_chain("cut off", [&](const std::string& csr, std::vector<std::string> names) {
    return chain(csr, std::move(names)).substr(0, 300);
  });
  check_chain("in the wrong order", [&](const std::string& csr, std::vector<std::string> names) {
    const std::string whole = chain(csr, std::move(names));
    return authority.pem() + whole.substr(0, whole.size() - authority.pem().size());
  });
  check_chain("too long", [&](const std::string& csr, std::vector<std::string> names) {
    std::string all = chain(csr, std::move(names));
    for (int i = 0; i < 20; ++i) all += authority.pem();
    return all;
  });
  check_chain("huge", [&](const std::string& csr, std::vector<std::string> names) {
    return chain(csr, std::move(names)) + std::string(2 << 20, '\n');
  });
  check_chain("with more behind it", [&](const std::string& csr, std::vector<std::string> names) {
    return chain(csr, std::move(names)) + "<html>";
  });
}

INSTANTIATE_TEST_SUITE_P(Steps, ErringCaTest, testing::ValuesIn(kSteps),
                         [](const testing::TestParamInfo<Step>& step) {
                           std::string name = step.param.path;
                           std::erase_if(name, [](char c) { return c == '/' || c == '-'; });
                           return name;
                         });

}  // namespace
}  // namespace gatehouse::certs::erring_ca_test
