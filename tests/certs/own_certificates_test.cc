#include "certs/own_certificates.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "base/gate.h"
#include "certs/compromised_keys.h"
#include "certs/startup.h"
#include "tests/certs/fake_issuer.h"
#include "tests/certs/memory_storage.h"
#include "tests/certs/run_task.h"
#include "tests/storage/folder.h"

namespace gatehouse::certs::own_certificates_test {
namespace {

namespace fs = std::filesystem;

struct OwnCertificatesTest : testing::Test {
  ~OwnCertificatesTest() override { stop(); }

  // A certificate of a key of its own, both in PEM.
  struct Pem {
    std::string chain;
    std::string key;
    std::string serial;
  };
  Pem make(std::vector<std::string> names = {"a.example"},
           tls::KeyType type = tls::KeyType::kP256) {
    const auto own = *tls::PrivateKey::generate(type);
    const auto made = make_certificate(own, std::move(names), now - hour, now + 90 * 24 * hour);
    return Pem{made->chain_pem(), own.pem(), made->leaf().serial};
  }
  // As tools that care do it: a new file is renamed over the old one.
  static void replace(const fs::path& file, const std::string& text) {
    const fs::path draft = file.string() + ".new";
    std::ofstream(draft, std::ios::binary) << text;
    fs::rename(draft, file);
  }
  static void put(const fs::path& folder, const Pem& pem) {
    fs::create_directories(folder);
    replace(folder / "tls.crt", pem.chain);
    replace(folder / "tls.key", pem.key);
  }
  void serve(std::vector<std::string> hosts, const fs::path& in) {
    config::Site site;
    site.hosts = std::move(hosts);
    site.tls.certificate = {{(in / "tls.crt").string(), (in / "tls.key").string()}};
    config.sites.push_back(std::move(site));
  }
  void start(base::Duration look = OwnCertificates::kLook) {
    const auto loaded = load_certificate_files(config, certificates);
    ASSERT_TRUE(loaded) << loaded.error().detail;
    OwnCertificates::Parts parts{loop, blocking, certificates, [this] { return now; }};
    parts.storage = &storage;
    parts.look = look;
    parts.settle = base::Duration(1);
    own = std::make_unique<OwnCertificates>(std::move(parts), config);
    tasks.spawn(own->run(), "certificates from files");
  }
  void stop() {
    if (!own) return;
    own->stop();
    (void)run_task(loop, tasks.close());
    own.reset();
  }
  // Others know the key.
  void compromise(const Pem& pem) {
    CompromisedKeys keys(storage);
    ASSERT_TRUE(run_task(loop, keys.add(*tls::PrivateKey::from_pem(pem.key), "x.example")));
  }
  std::string serial(const std::string& name = "a.example") {
    const auto found = certificates.find(name);
    return found ? found->leaf().serial : "none";
  }
  template <class F>
  void until(F condition) {
    run_until(loop, std::move(condition));
  }
  // Until the files have been looked at once more from now on.
  void look_again() {
    const fs::path marker = folder.path() / "marker";
    const Pem pem = make({"marker.example"});
    put(marker, pem);
    until([&] { return serial("marker.example") == pem.serial; });
  }

  const std::chrono::seconds hour = std::chrono::hours(1);
  base::WallTime now = base::wall_now();
  storage::Folder folder;
  base::Loop loop;
  base::BlockingPool blocking{1};
  MemoryStorage storage{loop};
  base::Gate tasks{loop};
  config::Config config;
  tls::CertificateStore certificates;
  std::unique_ptr<OwnCertificates> own;
};

TEST_F(OwnCertificatesTest, AreServedAnewWhenBothFilesWereReplaced) {
  put(folder.path(), make());
  serve({"a.example"}, folder.path());
  start();
  for (int i = 0; i < 2; ++i) {
    const Pem next = make();
    put(folder.path(), next);
    until([&] { return serial() == next.serial; });
  }
}

TEST_F(OwnCertificatesTest, OfWhichOnlyOneWasReplacedLeaveTheOldPairUntilTheOtherComes) {
  const Pem old = make();
  put(folder.path(), old);
  put(folder.path() / "marker", make({"marker.example"}));
  serve({"a.example"}, folder.path());
  serve({"marker.example"}, folder.path() / "marker");
  start();
  const Pem next = make();
  replace(folder.path() / "tls.crt", next.chain);
  look_again();
  EXPECT_EQ(serial(), old.serial);
  replace(folder.path() / "tls.key", next.key);
  until([&] { return serial() == next.serial; });
}

TEST_F(OwnCertificatesTest, ThatAreGoneOrRubbishOrNoFilesLeaveTheOldPair) {
  const Pem old = make();
  put(folder.path(), old);
  put(folder.path() / "marker", make({"marker.example"}));
  serve({"a.example"}, folder.path());
  serve({"marker.example"}, folder.path() / "marker");
  start();
  replace(folder.path() / "tls.crt", "-----BEGIN CERTIFICATE-----\nnonsense\n");
  look_again();
  EXPECT_EQ(serial(), old.serial);
  fs::remove(folder.path() / "tls.crt");
  fs::remove(folder.path() / "tls.key");
  look_again();
  EXPECT_EQ(serial(), old.serial);
  ASSERT_EQ(::mkfifo((folder.path() / "tls.key").c_str(), 0600), 0);  // nobody ever writes to it
  look_again();
  EXPECT_EQ(serial(), old.serial);
  const Pem next = make();
  put(folder.path(), next);
  until([&] { return serial() == next.serial; });
}

// Kubernetes: the files are links through a link to a folder, and that link is exchanged.
TEST_F(OwnCertificatesTest, AreServedAnewWhenTheLinkToTheirFolderIsExchanged) {
  put(folder.path() / "..1", make());
  fs::create_directory_symlink("..1", folder.path() / "..data");
  fs::create_symlink("..data/tls.crt", folder.path() / "tls.crt");
  fs::create_symlink("..data/tls.key", folder.path() / "tls.key");
  serve({"a.example"}, folder.path());
  start();
  for (int i = 2; i < 4; ++i) {
    const Pem next = make();
    const std::string to = ".." + std::to_string(i);
    put(folder.path() / to, next);
    fs::create_directory_symlink(to, folder.path() / "..data_tmp");
    fs::rename(folder.path() / "..data_tmp", folder.path() / "..data");
    fs::remove_all(folder.path() / (".." + std::to_string(i - 1)));
    until([&] { return serial() == next.serial; });
  }
}

// certbot: live/NAME holds links into archive/NAME, which are removed and made anew.
TEST_F(OwnCertificatesTest, AreServedAnewWhenTheirLinksLeadElsewhere) {
  const fs::path live = folder.path() / "live/a.example";
  const auto renew = [&](const std::string& number, const Pem& pem) {
    put(folder.path() / "archive/a.example" / number, pem);
    fs::create_directories(live);
    for (const char* name : {"tls.crt", "tls.key"}) {
      fs::remove(live / name);
      fs::create_symlink("../../archive/a.example/" + number + "/" + name, live / name);
    }
  };
  renew("1", make());
  serve({"a.example"}, live);
  start();
  const Pem next = make();
  renew("2", next);
  until([&] { return serial() == next.serial; });
}

// As it is on file systems that tell nothing: the kernel is asked about another folder only.
TEST_F(OwnCertificatesTest, AreLookedAtAlsoWhereTheKernelTellsNothing) {
  put(folder.path() / "real", make());
  fs::create_directory_symlink("real", folder.path() / "way");
  fs::create_directory_symlink("way", folder.path() / "other");
  serve({"a.example"}, folder.path() / "other");
  start(base::Duration(1));
  const Pem next = make();
  put(folder.path() / "elsewhere", next);
  fs::create_directory_symlink("elsewhere", folder.path() / "new");
  fs::rename(folder.path() / "new", folder.path() / "way");  // no watched folder has changed
  until([&] { return serial() == next.serial; });
}

TEST_F(OwnCertificatesTest, OfASiteForEveryNameAreServedForTheNamesThatTheyHaveNow) {
  put(folder.path(), make({"a.example", "b.example"}));
  serve({"*"}, folder.path());
  start();
  const Pem next = make({"b.example", "c.example"});
  put(folder.path(), next);
  until([&] { return serial("c.example") == next.serial; });
  EXPECT_EQ(serial("b.example"), next.serial);
  EXPECT_EQ(serial("a.example"), "none");
}

TEST(ExpiryStage, IsCountedInDaysBeforeTheEndAsFarAsTheLifeIsLong) {
  tls::LeafFacts leaf;
  const base::WallTime end{std::chrono::days(20'000)};
  const auto stage = [&](std::chrono::seconds life, std::chrono::seconds left) {
    leaf.not_after = end;
    leaf.not_before = end - life;
    return expiry_stage(leaf, end - left);
  };
  using std::chrono::days;
  using std::chrono::hours;
  EXPECT_EQ(stage(days(90), days(31)), 0);
  EXPECT_EQ(stage(days(90), days(30)), 1);
  EXPECT_EQ(stage(days(90), days(7)), 2);
  EXPECT_EQ(stage(days(90), hours(24)), 3);
  EXPECT_EQ(stage(days(90), hours(0)), 4);
  EXPECT_EQ(stage(days(47), days(20)), 0) << "its thirty days begin before it is half over";
  EXPECT_EQ(stage(days(47), days(7)), 2);
  EXPECT_EQ(stage(hours(24), hours(1)), 0);
  EXPECT_EQ(stage(hours(24), hours(-1)), 4);
}

TEST_F(OwnCertificatesTest, OfTwoKindsOfKeyEachIsReadAgainByItself) {
  const fs::path ecdsa = folder.path() / "ecdsa";
  const fs::path rsa = folder.path() / "rsa";
  const Pem first = make();
  put(ecdsa, first);
  put(rsa, make({"a.example"}, tls::KeyType::kRsa2048));
  serve({"a.example"}, ecdsa);
  config.sites[0].tls.certificate.push_back(
      {(rsa / "tls.crt").string(), (rsa / "tls.key").string()});
  put(folder.path() / "marker", make({"marker.example"}));
  serve({"marker.example"}, folder.path() / "marker");
  start();
  const auto shown = [&](tls::KeyKinds keys) {
    return certificates.find("a.example", keys, now)->leaf().serial;
  };
  const Pem second = make({"a.example"}, tls::KeyType::kRsa2048);
  put(rsa, second);
  until([&] { return shown(tls::kRsaKeys) == second.serial; });
  EXPECT_EQ(shown(tls::kEcdsaP256), first.serial);
  // A second one of the same kind is refused: what was there is served on.
  put(rsa, make());
  look_again();
  EXPECT_EQ(shown(tls::kRsaKeys), second.serial);
  EXPECT_EQ(shown(tls::kEcdsaP256), first.serial);
  stop();
}

TEST_F(OwnCertificatesTest, AnotherKindOfKeyTakesThePlaceOfTheOneBefore) {
  const fs::path in = folder.path() / "in";
  put(in, make());
  serve({"a.example"}, in);
  start();
  const Pem rsa = make({"a.example"}, tls::KeyType::kRsa2048);
  put(in, rsa);
  until([&] { return serial() == rsa.serial; });
  EXPECT_EQ(certificates.find("a.example", tls::kEcdsaP256, now)->leaf().serial, rsa.serial);
  stop();
}

TEST_F(OwnCertificatesTest, WithACompromisedKeyAreServedNoMoreUntilAnotherPairComes) {
  const Pem known = make({"a.example", "*.a.example"});
  put(folder.path(), known);
  serve({"*"}, folder.path());
  compromise(known);
  start();
  until([&] { return serial() == "none" && serial("x.a.example") == "none"; });
  const Pem next = make();
  put(folder.path(), next);
  until([&] { return serial() == next.serial; });
}

TEST_F(OwnCertificatesTest, OfTwoTheOneWithACompromisedKeyGoes) {
  const Pem ecdsa = make();
  const Pem rsa = make({"a.example"}, tls::KeyType::kRsa2048);
  put(folder.path() / "ecdsa", ecdsa);
  put(folder.path() / "rsa", rsa);
  serve({"a.example"}, folder.path() / "ecdsa");
  serve({"a.example"}, folder.path() / "rsa");
  config.sites[0].tls.certificate.push_back(config.sites[1].tls.certificate[0]);
  config.sites.pop_back();
  compromise(ecdsa);
  start();
  until([&] { return serial() == rsa.serial; });
}

TEST_F(OwnCertificatesTest, TakeNoNewPairWithACompromisedKey) {
  const Pem old = make();
  put(folder.path() / "a", old);
  put(folder.path() / "marker", make({"marker.example"}));
  serve({"a.example"}, folder.path() / "a");
  serve({"marker.example"}, folder.path() / "marker");
  start();
  look_again();
  const Pem known = make();
  compromise(known);
  put(folder.path() / "a", known);
  look_again();
  EXPECT_EQ(serial(), old.serial);
}

}  // namespace
}  // namespace gatehouse::certs::own_certificates_test
