// tests/foreign holds folders as certbot 2.1, lego 4.9 and Caddy 2.6 have written them, with Pebble
// as their CA at https://localhost:14000/dir; its certificates last until 2046.
#include "certs/foreign.h"

#include <gtest/gtest.h>

#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/rsa.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "acme/jws.h"
#include "certs/text_file.h"
#include "tests/storage/folder.h"
#include "tls/certificate.h"
#include "tls/pem.h"

namespace gatehouse::certs::foreign_test {
namespace {

namespace fs = std::filesystem;

const std::string kFolder = GATEHOUSE_ROOT "/tests/foreign/";

// The names of a certificate whose key fits.
std::vector<std::string> names_of(const ForeignCertificate& certificate) {
  auto key = tls::PrivateKey::from_pem(certificate.key_pem);
  if (!key) return {key.error().detail};
  const auto made = tls::Certificate::make(certificate.chain_pem, std::move(*key));
  if (!made) return {made.error().detail};
  return (*made)->leaf().names;
}

using Names = std::vector<std::string>;

TEST(ForeignFolder, OfCertbotIsRead) {
  const auto found = read_certbot(kFolder + "certbot");
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_TRUE(found->rest.empty()) << found->rest[0].reason;
  ASSERT_EQ(found->certificates.size(), 2u);
  EXPECT_EQ(names_of(found->certificates[0]),
            (Names{"one.certbot.example", "two.certbot.example"}));
  EXPECT_EQ(names_of(found->certificates[1]), (Names{"rsa.certbot.example"}));
  EXPECT_EQ(found->certificates[0].origin.directory, "https://localhost:14000/dir");
  ASSERT_EQ(found->accounts.size(), 1u);
  const ForeignAccount& account = found->accounts[0];
  EXPECT_EQ(account.origin.directory, "https://localhost:14000/dir");
  EXPECT_EQ(account.email, std::nullopt) << "certbot does not keep it";
  EXPECT_TRUE(account.url.starts_with("https://localhost:14000/my-account/")) << account.url;
  EXPECT_EQ(acme::algorithm_of(account.key).value(), "RS256");
}

TEST(ForeignFolder, OfLegoIsRead) {
  const auto found = read_lego(kFolder + "lego");
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_TRUE(found->rest.empty()) << found->rest[0].reason;
  ASSERT_EQ(found->certificates.size(), 1u);
  EXPECT_EQ(names_of(found->certificates[0]), (Names{"one.lego.example", "two.lego.example"}));
  EXPECT_EQ(found->certificates[0].origin.host, "localhost:14000");
  ASSERT_EQ(found->accounts.size(), 1u);
  EXPECT_EQ(found->accounts[0].origin.host, "localhost:14000");
  EXPECT_EQ(found->accounts[0].email, "ops@example.com");
  EXPECT_TRUE(found->accounts[0].url.starts_with("https://localhost:14000/my-account/"));
  EXPECT_EQ(acme::algorithm_of(found->accounts[0].key).value(), "ES256");
}

TEST(ForeignFolder, OfCaddyIsReadWithoutWhatItsInternalCaSigned) {
  const auto found = read_caddy(kFolder + "caddy");
  ASSERT_TRUE(found) << found.error().detail;
  ASSERT_EQ(found->certificates.size(), 1u);
  EXPECT_EQ(names_of(found->certificates[0]), (Names{"one.caddy.example"}));
  EXPECT_EQ(found->certificates[0].origin.issuer, "localhost-14000-dir");
  ASSERT_EQ(found->accounts.size(), 1u);
  EXPECT_EQ(found->accounts[0].origin.issuer, "localhost-14000-dir");
  EXPECT_EQ(found->accounts[0].email, "ops@example.com");
  EXPECT_TRUE(found->accounts[0].url.starts_with("https://localhost:14000/my-account/"));
  ASSERT_EQ(found->rest.size(), 1u);
  EXPECT_NE(found->rest[0].from.find("internal.caddy.example"), std::string::npos);
  EXPECT_NE(found->rest[0].reason.find("internal CA"), std::string::npos);
}

std::string base64(std::string_view bytes) {
  const std::string pem = tls::pem_block("X", bytes);
  std::string text;
  for (std::size_t at = pem.find('\n') + 1; at < pem.rfind("-----END");) {
    const auto end = pem.find('\n', at);
    text += pem.substr(at, end - at);
    at = end + 1;
  }
  return text;
}

// No Debian package of Traefik: the form of its documentation and of its types (acme.json of
// version 2 and 3), with lego's certificate in it.
nlohmann::json traefiks() {
  const auto lego = read_lego(kFolder + "lego").value();
  const auto key = *tls::PrivateKey::generate(tls::KeyType::kRsa2048);
  std::string pkcs1;
  {
    std::uint8_t* der = nullptr;
    std::size_t size = 0;
    EXPECT_TRUE(RSA_private_key_to_bytes(&der, &size, EVP_PKEY_get0_RSA(key.get())));
    const bssl::UniquePtr<std::uint8_t> owned(der);
    pkcs1.assign(reinterpret_cast<const char*>(der), size);
  }
  return {{"letsencrypt",
           {{"Account",
             {{"Email", "ops@example.com"},
              {"Registration",
               {{"body", {{"status", "valid"}}}, {"uri", "https://localhost:14000/my-account/1"}}},
              {"PrivateKey", base64(pkcs1)},
              {"KeyType", "4096"}}},
            {"Certificates",
             {{{"domain", {{"main", "one.lego.example"}, {"sans", {"two.lego.example"}}}},
               {"certificate", base64(lego.certificates[0].chain_pem)},
               {"key", base64(lego.certificates[0].key_pem)},
               {"Store", "default"}}}}}},
          {"unused", {{"Account", nullptr}, {"Certificates", nullptr}}}};
}

struct ForeignFile : testing::Test {
  std::string write(const std::string& text) {
    const auto file = folder.path() / "acme.json";
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }
  storage::Folder folder;
};

TEST_F(ForeignFile, OfTraefikIsRead) {
  const auto found = read_traefik(write(traefiks().dump(2)));
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_TRUE(found->rest.empty()) << found->rest[0].reason;
  ASSERT_EQ(found->certificates.size(), 1u);
  EXPECT_EQ(names_of(found->certificates[0]), (Names{"one.lego.example", "two.lego.example"}));
  EXPECT_EQ(found->certificates[0].origin.host, "localhost:14000");
  ASSERT_EQ(found->accounts.size(), 1u);
  EXPECT_EQ(found->accounts[0].email, "ops@example.com");
  EXPECT_EQ(found->accounts[0].url, "https://localhost:14000/my-account/1");
  EXPECT_EQ(acme::algorithm_of(found->accounts[0].key).value(), "RS256");
}

TEST_F(ForeignFile, OfAnotherFormIsToldAndNothingIsTaken) {
  for (const char* text : {"", "[]", "{", "\xff"}) EXPECT_FALSE(read_traefik(write(text))) << text;
  for (const char* text : {R"({"a":1})", R"({"a":{"Certificates":{}}})", R"({"a":[]})",
                           R"({"a":{"Account":7,"Certificates":7}})", "{}"}) {
    const auto found = read_traefik(write(text));
    ASSERT_TRUE(found) << text;
    EXPECT_TRUE(found->certificates.empty() && found->accounts.empty()) << text;
  }
  const auto old = read_traefik(write(R"({"Account":{},"Certificates":[]})"));
  ASSERT_TRUE(old);
  ASSERT_EQ(old->rest.size(), 1u);
  EXPECT_NE(old->rest[0].reason.find("Traefik 1"), std::string::npos);
}

TEST_F(ForeignFile, ThatIsMissingOrBrokenIsToldAndTheOthersAreRead) {
  const auto copy = folder.path() / "copy";
  fs::create_directory(copy);
  fs::copy(kFolder + "lego", copy / "lego", fs::copy_options::recursive);
  fs::remove(copy / "lego/certificates/one.lego.example.key");
  std::ofstream(copy / "lego/accounts/localhost_14000/ops@example.com/account.json") << "{";
  const auto lego = read_lego((copy / "lego").string());
  ASSERT_TRUE(lego);
  EXPECT_TRUE(lego->certificates.empty() && lego->accounts.empty());
  ASSERT_EQ(lego->rest.size(), 2u);
  EXPECT_NE(lego->rest[0].reason.find("one.lego.example.key"), std::string::npos);
  EXPECT_NE(lego->rest[1].reason.find("account.json"), std::string::npos);

  fs::copy(kFolder + "certbot", copy / "certbot",
           fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  fs::remove_all(copy / "certbot/archive/rsa.certbot.example");  // where links lead to
  std::ofstream(copy / "certbot/live/README") << "words";
  const auto certbot = read_certbot((copy / "certbot").string());
  ASSERT_TRUE(certbot);
  EXPECT_EQ(certbot->certificates.size(), 1u);
  ASSERT_EQ(certbot->rest.size(), 1u);
  EXPECT_NE(certbot->rest[0].reason.find("rsa.certbot.example"), std::string::npos);
}

TEST_F(ForeignFile, IsNotReadBeyondItsBound) {
  const auto file = write(std::string(kLargestForeignJson + 1, ' '));
  EXPECT_EQ(read_text_file(file, kLargestForeignJson).error().code, base::Code::kTooLarge);
}

TEST_F(ForeignFile, WhoseFolderIsNotThereIsAnError) {
  for (const auto read : {read_certbot, read_lego, read_caddy, read_traefik}) {
    const auto found = read(kFolder + "none");
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().detail.find("none"), std::string::npos) << found.error().detail;
  }
}

}  // namespace
}  // namespace gatehouse::certs::foreign_test
