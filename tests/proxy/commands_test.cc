#include "proxy/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/http/wire.h"

namespace gatehouse::proxy::commands_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Outcome {
  int status = -1;
  std::string out;
  std::string err;
};

class CommandsTest : public testing::Test {
 protected:
  CommandsTest() {
    std::string pattern = testing::TempDir() + "commands-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    ::unsetenv("GATEHOUSE_CONFIG");
  }
  ~CommandsTest() override {
    ::unsetenv("GATEHOUSE_CONFIG");
    std::filesystem::remove_all(folder);
  }

  static Outcome call(std::vector<std::string> words) {
    words.insert(words.begin(), "gatehouse");
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Outcome outcome;
    outcome.status = run_command_line(static_cast<int>(argv.size()), argv.data());
    outcome.out = testing::internal::GetCapturedStdout();
    outcome.err = testing::internal::GetCapturedStderr();
    return outcome;
  }
  std::string file(const std::string& text) const {
    const auto path = folder + "/gatehouse.json";
    std::ofstream(path) << text;
    return path;
  }
  std::string good(const std::string& more = "") const {
    return R"({ "listen": { "https": [], "http": ["127.0.0.1:1"] },
                "storage": { "file": { "path": ")" +
           folder + R"(/data" } }, )" + more +
           R"("sites": [{ "hosts": ["a.example"], "tls": false, "respond": {} }] })";
  }

  std::string folder;
};

TEST_F(CommandsTest, WordsThatItDoesNotKnowAreWrong) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {}, {"bogus"}, {"run", "--bogus"}, {"validate", "--config"}, {"version", "more"}}) {
    const auto outcome = call(words);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_NE(outcome.err, "");
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(CommandsTest, HelpIsNoFailure) {
  const auto outcome = call({"--help"});
  EXPECT_EQ(outcome.status, 0);
  for (const auto* word : {"run", "validate", "version", "schema", "trust", "healthcheck"}) {
    EXPECT_THAT(outcome.out, HasSubstr(word));
  }
}

TEST_F(CommandsTest, VersionNamesThePartsToo) {
  const auto outcome = call({"version"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, AllOf(StartsWith("gatehouse "), HasSubstr("BoringSSL"),
                                 HasSubstr("llhttp 9."), HasSubstr("Boost 1.")));
}

TEST_F(CommandsTest, SchemaIsJson) {
  const auto outcome = call({"schema"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(nlohmann::json::parse(outcome.out).contains("properties"));
}

TEST_F(CommandsTest, AGoodConfigurationIsValid) {
  EXPECT_EQ(call({"validate", "--config", file(good())}).status, 0);
  ::setenv("GATEHOUSE_CONFIG", file(good()).c_str(), 1);
  EXPECT_EQ(call({"validate"}).status, 0);
}

TEST_F(CommandsTest, EveryErrorOfAConfigurationIsSaidWithItsPlace) {
  const auto path =
      file("{\n \"worker\": 2,\n \"sites\": [{ \"hosts\": 7, \"respond\": {} }]\n}\n");
  for (const auto* word : {"validate", "run", "trust", "healthcheck"}) {
    const auto outcome = call({word, "--config", path});
    EXPECT_EQ(outcome.status, 2) << word;
    EXPECT_THAT(outcome.err, HasSubstr(path + ":2: /worker"));
    EXPECT_THAT(outcome.err, HasSubstr("\"workers\""));
    EXPECT_THAT(outcome.err, HasSubstr(path + ":3: /sites/0/hosts"));
  }
}

TEST_F(CommandsTest, AConfigurationThatCannotBeReadIsNamed) {
  for (const auto& path : {folder + "/none.json", folder}) {
    const auto outcome = call({"validate", "--config", path});
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.err, HasSubstr(path));
  }
  EXPECT_EQ(call({"validate"}).status, 2) << "nothing to validate";
}

TEST_F(CommandsTest, AnAddressThatIsTakenFailsTheStart) {
  const int taken = http::listen_on_loopback();
  auto text = good();
  const auto address = "127.0.0.1:" + std::to_string(http::port_of(taken));
  text.replace(text.find("127.0.0.1:1"), 11, address);
  const auto outcome = call({"run", "--config", file(text)});
  ::close(taken);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr(address), HasSubstr("another process")));
  EXPECT_EQ(outcome.out, "") << "it does not say that it listens";
}

TEST_F(CommandsTest, AFolderThatCannotBeMadeFailsTheStart) {
  std::ofstream(folder + "/data") << "a file";
  const auto outcome = call({"run", "--config", file(good())});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr(folder + "/data"));
}

TEST_F(CommandsTest, AKeyThatDoesNotFitItsCertificateFailsTheStart) {
  std::ofstream(folder + "/chain.pem") << "no certificate";
  std::ofstream(folder + "/key.pem") << "no key";
  const auto path = file(R"({ "listen": { "https": ["127.0.0.1:1"], "http": [] },
    "storage": { "file": { "path": ")" +
                         folder + R"(/data" } },
    "sites": [{ "hosts": ["a.example"], "respond": {}, "tls": { "certificate": {
      "file": ")" + folder +
                         R"(/chain.pem", "key": ")" + folder + R"(/key.pem" } } }] })");
  const auto outcome = call({"run", "--config", path});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr(".pem"));
}

TEST_F(CommandsTest, ValidateSaysEachFileThatRunWouldNotTake) {
  const auto none = folder + "/none.pem";
  const auto path = file(R"({ "listen": { "https": ["127.0.0.1:1"], "http": [] },
    "tls": { "issuers": [{ "acme": { "directory": "https://ca.example", "ca_file": ")" +
                         none + R"(" } }] },
    "upstreams": { "one": { "servers": ["https://a"], "tls": { "ca_file": ")" +
                         none + R"(" } } },
    "sites": [
      { "hosts": ["a.example"], "respond": {},
        "tls": { "certificate": { "file": ")" +
                         none + R"(", "key": ")" + none + R"(" } } },
      { "hosts": ["b.example"], "respond": {}, "tls": { "client_auth": { "ca_file": ")" +
                         none + R"(" } } },
      { "hosts": ["c.example"], "proxy": { "servers": ["https://b"], "tls": {
        "client_certificate": { "file": ")" +
                         none + R"(", "key": ")" + none + R"(" } } } }] })");
  const auto outcome = call({"validate", "--config", path});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "");
  for (const auto* place :
       {"/tls/issuers/0/acme/ca_file: ", "/upstreams/one/tls: ", "/sites/0/tls/certificate: ",
        "/sites/1/tls/client_auth/ca_file: ", "/sites/2/proxy/tls: "}) {
    EXPECT_THAT(outcome.err, HasSubstr(path + ": " + place));
  }
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 5) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(folder + "/data")) << "nothing is made";
}

TEST_F(CommandsTest, TrustPrintsTheOneRoot) {
  const auto path = file(good());
  const auto first = call({"trust", "--config", path});
  EXPECT_EQ(first.status, 0);
  EXPECT_THAT(first.out, StartsWith("-----BEGIN CERTIFICATE-----\n"));
  EXPECT_EQ(call({"trust", "--config", path}).out, first.out);
}

TEST_F(CommandsTest, HealthcheckFailsWhereNobodyListens) {
  const auto outcome = call({"healthcheck", "--config", file(good())});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("127.0.0.1:1"));
}

}  // namespace
}  // namespace gatehouse::proxy::commands_test
