#include "proxy/admin_access.h"

#include <gtest/gtest.h>

#include "base/blocking_pool.h"
#include "proxy/run_to_end.h"
#include "storage/file_storage.h"
#include "tests/storage/folder.h"

namespace gatehouse::proxy::admin_access_test {
namespace {

const std::string kToken(43, 'a');

struct Asked {
  const char* method = "GET";
  const char* target = "/certificates";
  const char* host = "localhost:2019";
  std::string authorization = "Bearer " + kToken;
  const char* origin = nullptr;
};

std::uint16_t status(const Asked& asked, const config::Address& at = {"127.0.0.1", 2019, {}}) {
  http::RequestHead head;
  head.method = asked.method;
  head.target = asked.target;
  head.authority = asked.host;
  if (!asked.authorization.empty()) head.fields.add("Authorization", asked.authorization);
  if (asked.origin != nullptr) head.fields.add("Origin", asked.origin);
  return refuse_admin(head, at, kToken).status;
}

TEST(AdminAccess, NeedsTheTokenForAllButTheHealth) {
  EXPECT_EQ(status({}), 0);
  for (const std::string& wrong : {std::string(), "Bearer " + std::string(43, 'b'), kToken,
                                   "Basic " + kToken, "Bearer " + kToken + "a"}) {
    Asked asked;
    asked.authorization = wrong;
    EXPECT_EQ(status(asked), 401) << wrong;
    asked.target = "/health?challenge=x";
    EXPECT_EQ(status(asked), 0) << wrong;
    asked.method = "POST";
    EXPECT_EQ(status(asked), 401) << wrong;
  }
  Asked lower;
  lower.authorization = "bearer " + kToken;
  EXPECT_EQ(status(lower), 0);
}

TEST(AdminAccess, RefusesWhatAWebPageMayHaveAsked) {
  for (const char* host : {"evil.example", "evil.example:2019", "192.0.2.1", "10.0.0.1:2019", "",
                           "localhost.evil.example", "127.0.0.1.evil.example"}) {
    Asked asked;
    asked.host = host;
    EXPECT_EQ(status(asked), 403) << host;
  }
  for (const char* host : {"localhost", "127.0.0.1:2019", "127.8.8.8", "[::1]:2019"}) {
    Asked asked;
    asked.host = host;
    EXPECT_EQ(status(asked), 0) << host;
  }
  Asked own;
  own.host = "10.0.0.1:2019";
  EXPECT_EQ(status(own, {"10.0.0.1", 2019, {}}), 0);
  for (const char* target : {"/certificates", "/health"}) {
    Asked asked;
    asked.target = target;
    asked.origin = "http://localhost:2019";
    EXPECT_EQ(status(asked), 403) << target;
  }
}

TEST(AdminAccess, TheProofIsOfOneTokenOneChallengeAndOneAddress) {
  const config::Address at{"127.0.0.1", 2019, {}};
  const auto proof = admin_proof(kToken, "abcdefghijklmnop", at);
  EXPECT_EQ(proof, admin_proof(kToken, "abcdefghijklmnop", at));
  EXPECT_NE(proof, admin_proof(std::string(43, 'b'), "abcdefghijklmnop", at));
  EXPECT_NE(proof, admin_proof(kToken, "abcdefghijklmnoq", at));
  EXPECT_NE(proof, admin_proof(kToken, "abcdefghijklmnop", {"127.0.0.1", 2020, {}}));
  EXPECT_FALSE(is_admin_challenge("short"));
  EXPECT_FALSE(is_admin_challenge(std::string(129, 'a')));
  EXPECT_FALSE(is_admin_challenge("abcdefghijklmn?="));
}

TEST(AdminAccess, TheTokenIsMadeOnceAndForItsUserAlone) {
  const storage::Folder folder;
  base::BlockingPool blocking(1);
  base::Loop first;
  storage::FileStorage storage(first, blocking, folder.path());
  EXPECT_EQ(run_to_end(first, load_admin_token(storage)).error().code, base::Code::kNotFound);
  const auto in_new_loop = [&](bool make) {
    base::Loop loop;
    storage::FileStorage again(loop, blocking, folder.path());
    return run_to_end(loop, make ? make_admin_token(again) : load_admin_token(again));
  };
  const auto token = in_new_loop(true);
  ASSERT_TRUE(token) << token.error().detail;
  EXPECT_EQ(token->size(), 43u);
  EXPECT_EQ(in_new_loop(true).value(), *token);
  EXPECT_EQ(in_new_loop(false).value(), *token);
  const auto file = storage.file_of(kAdminTokenKey);
  EXPECT_EQ(std::filesystem::status(file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace
}  // namespace gatehouse::proxy::admin_access_test
