#include "storage/file_storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <optional>
#include <set>
#include <thread>

#include "storage/file_record.h"
#include "tests/storage/folder.h"
#include "tests/storage/running.h"

namespace gatehouse::storage::file_storage_test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class FileStorageTest : public testing::Test {
 protected:
  Folder folder_;
  Running on_{folder_.path() / "data"};
  FileStorage& storage_ = on_.storage;
};

int mode_of(const fs::path& path) {
  struct stat info{};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return static_cast<int>(info.st_mode & 0777);
}

TEST(Key, HasSegmentsOfFewCharacters) {
  EXPECT_TRUE(is_key("certificates/internal/*.a_b.example-1"));
  for (const auto* bad :
       {"", "/", "a/", "/a", "a//b", "a/../b", ".", "a b", "a\\b", "ä", "a/b\n"}) {
    EXPECT_FALSE(is_key(bad)) << bad;
  }
  EXPECT_TRUE(is_key(std::string(512, 'a')));
  EXPECT_FALSE(is_key(std::string(513, 'a')));
}

TEST_F(FileStorageTest, GivesBackWhatWasStored) {
  const std::string record("line\n\0binary\xff", 13);
  ASSERT_TRUE(on_.wait(storage_.store("a/b/c", record)));
  EXPECT_EQ(on_.wait(storage_.load("a/b/c")).value(), record);
  ASSERT_TRUE(on_.wait(storage_.store("a/b/c", "")));
  EXPECT_EQ(on_.wait(storage_.load("a/b/c")).value(), "");
}

TEST_F(FileStorageTest, SaysWhatIsNotThere) {
  const auto missing = on_.wait(storage_.load("a/b"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, base::Code::kNotFound);
  EXPECT_EQ(missing.error().side, base::Side::kStorage);
  EXPECT_TRUE(on_.wait(storage_.remove("a/b"))) << "removing nothing is well";
}

TEST_F(FileStorageTest, RefusesKeysThatWouldLeaveTheFolder) {
  EXPECT_EQ(on_.wait(storage_.store("../x", "")).error().code, base::Code::kMalformed);
  EXPECT_EQ(on_.wait(storage_.load("a/../../x")).error().code, base::Code::kMalformed);
  EXPECT_EQ(on_.wait(storage_.list("..", "", 1)).error().code, base::Code::kMalformed);
}

TEST_F(FileStorageTest, KeepsFilesAndFoldersToItself) {
  const auto before = ::umask(0);
  ASSERT_TRUE(storage_.open());
  ASSERT_TRUE(on_.wait(storage_.store("accounts/ca/me", "secret")));
  const auto lease = on_.wait(storage_.lease("accounts/ca/me", base::Deadline::never()));
  ::umask(before);
  ASSERT_TRUE(lease);
  for (const auto& entry : fs::recursive_directory_iterator(storage_.root())) {
    EXPECT_EQ(mode_of(entry.path()), entry.is_directory() ? 0700 : 0600) << entry.path();
  }
  EXPECT_EQ(mode_of(storage_.root()), 0700);
}

TEST_F(FileStorageTest, WhatRootMakesInAnotherUsersFolderIsThatUsers) {
  fs::create_directory(storage_.root());
  constexpr uid_t kNobody = 65534;
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(storage_.root().c_str(), kNobody, kNobody), 0);
  }
  struct stat root{};
  ASSERT_EQ(::stat(storage_.root().c_str(), &root), 0);
  ASSERT_TRUE(storage_.open());
  ASSERT_TRUE(on_.wait(storage_.store("accounts/ca/me", "secret")));
  const auto lease = on_.wait(storage_.lease("accounts/ca/me", base::Deadline::never()));
  ASSERT_TRUE(lease);
  int seen = 0;
  for (const auto& entry : fs::recursive_directory_iterator(storage_.root())) {
    struct stat info{};
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, root.st_uid) << entry.path();
    EXPECT_EQ(info.st_gid, root.st_gid) << entry.path();
    ++seen;
  }
  EXPECT_GE(seen, 6) << "folders, the record, the lease and its token";
}

TEST_F(FileStorageTest, FansRecordsOutByHash) {
  const auto file = storage_.file_of("certificates/ca/a.example");
  EXPECT_EQ(file.filename(), "a.example");
  EXPECT_EQ(file.parent_path().filename().string().size(), 2u);
  EXPECT_EQ(file.parent_path().parent_path(), storage_.root() / "certificates/ca");
}

TEST_F(FileStorageTest, ListsInSlices) {
  for (int i = 0; i < 25; ++i) {
    ASSERT_TRUE(on_.wait(storage_.store("c/ca/n" + std::to_string(i), "x")));
  }
  ASSERT_TRUE(on_.wait(storage_.store("c/other/m", "x")));
  std::vector<std::string> all;
  std::string cursor;
  for (;;) {
    const auto slice = on_.wait(storage_.list("c/ca", cursor, 10));
    ASSERT_TRUE(slice);
    all.insert(all.end(), slice->begin(), slice->end());
    if (slice->size() < 10) break;
    cursor = slice->back();
  }
  EXPECT_EQ(all.size(), 25u);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
  EXPECT_TRUE(on_.wait(storage_.list("nothing", "", 10)).value().empty());
}

TEST_F(FileStorageTest, TellsTheSegmentsThatKeysGoOnWith) {
  for (const auto* key : {"c/ca.example/a", "c/other/b", "c/other/d", "c/single"}) {
    ASSERT_TRUE(on_.wait(storage_.store(key, "x")));
  }
  const std::vector<std::string> both{"ca.example", "other"};
  EXPECT_EQ(on_.wait(storage_.segments("c")).value(), both);
  EXPECT_TRUE(on_.wait(storage_.segments("nothing")).value().empty());
}

TEST_F(FileStorageTest, TellsDamagedRecordsAndSetsThemAside) {
  ASSERT_TRUE(on_.wait(storage_.store("a/b", "0123456789")));
  const auto file = storage_.file_of("a/b");
  std::ifstream in(file);
  const std::string good{std::istreambuf_iterator<char>(in), {}};
  std::string flipped = good;
  flipped.back() ^= 1;
  for (const auto& bad : {std::string(), good.substr(0, 10), good.substr(0, good.size() - 1),
                          good + "x", flipped, std::string("garbage\nmore")}) {
    std::ofstream(file, std::ios::trunc) << bad;
    const auto loaded = on_.wait(storage_.load("a/b"));
    ASSERT_FALSE(loaded) << bad;
    EXPECT_EQ(loaded.error().code, base::Code::kDamaged) << bad;
    EXPECT_THAT(loaded.error().detail, HasSubstr(file.string()));
  }
  const auto kept = on_.wait(storage_.set_aside("a/b"));
  ASSERT_TRUE(kept);
  EXPECT_TRUE(fs::exists(*kept));
  EXPECT_EQ(on_.wait(storage_.load("a/b")).error().code, base::Code::kNotFound);
}

TEST_F(FileStorageTest, WaitsForNobodyAtWhatIsNoFile) {
  ASSERT_TRUE(on_.wait(storage_.store("c/a", "x")));
  fs::remove(storage_.file_of("c/a"));
  ASSERT_EQ(::mkfifo(storage_.file_of("c/a").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((storage_.root() / "temporary" / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(storage_.open());
  const auto read = on_.wait(storage_.load("c/a"));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, base::Code::kDamaged);
}

TEST_F(FileStorageTest, AFailedWriteLeavesTheOldRecord) {
  ASSERT_TRUE(on_.wait(storage_.store("a/b", "old")));
  const auto too_large =
      on_.wait(storage_.store("a/b", std::string(Storage::kLargestRecord + 1, 'x')));
  EXPECT_EQ(too_large.error().code, base::Code::kTooLarge);
  // Where the draft would go there is a file: nothing can be written.
  fs::remove_all(storage_.root() / "temporary");
  std::ofstream(storage_.root() / "temporary") << "in the way";
  const auto failed = on_.wait(storage_.store("a/b", "new"));
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().detail, HasSubstr("temporary"));
  EXPECT_EQ(on_.wait(storage_.load("a/b")).value(), "old");
}

TEST_F(FileStorageTest, OpeningSaysWhatToDoWhenTheFolderCannotBeMade) {
  std::ofstream(folder_.path() / "file") << "x";
  FileStorage wrong(on_.loop, on_.pool, folder_.path() / "file" / "data");
  const auto opened = wrong.open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().detail, HasSubstr("GATEHOUSE_DATA"));
}

TEST_F(FileStorageTest, OpeningRemovesWhatACrashLeftBehind) {
  ASSERT_TRUE(storage_.open());
  std::ofstream(storage_.root() / "temporary" / "999-1") << "half";
  ASSERT_TRUE(storage_.open());
  EXPECT_TRUE(fs::is_empty(storage_.root() / "temporary"));
}

// In memory, where nothing slows the writers: the two meet between any two system calls.
TEST(RemoveLeftovers, LeavesAloneWhatIsBeingWritten) {
  const fs::path root = "/dev/shm/gatehouse-leftovers-" + std::to_string(::getpid());
  ASSERT_TRUE(make_folders(root / "temporary"));
  std::atomic<int> failed = 0;
  std::vector<std::thread> writers;
  for (const auto* name : {"a", "b", "c"}) {
    writers.emplace_back([&, name] {
      for (int i = 0; i < 5000; ++i) {
        if (!write_record(root / name, root / "temporary", "whole")) ++failed;
      }
    });
  }
  std::atomic<bool> done = false;
  std::thread remover([&] {
    while (!done) remove_leftovers(root / "temporary");
  });
  for (auto& writer : writers) writer.join();
  done = true;
  remover.join();
  fs::remove_all(root);
  EXPECT_EQ(failed, 0);
}

// --- leases ---

TEST_F(FileStorageTest, ALeaseIsHeldByOneAndGivenBack) {
  auto first = on_.wait(storage_.lease("c/a", base::Deadline::never()));
  ASSERT_TRUE(first);
  const auto second = on_.wait(storage_.lease("c/a", base::Deadline::in(base::Duration(1))));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::Code::kTimeout);
  const auto other = on_.wait(storage_.lease("c/b", base::Deadline::never()));
  ASSERT_TRUE(other) << "another name is free";
  EXPECT_GT(other->token(), first->token());
  const auto token = first->token();
  first->release();
  const auto third = on_.wait(storage_.lease("c/a", base::Deadline::never()));
  ASSERT_TRUE(third);
  EXPECT_GT(third->token(), token);
}

TEST_F(FileStorageTest, LeasesThatWereGivenBackLeaveNoFiles) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(on_.wait(storage_.lease("c/" + std::to_string(i), base::Deadline::never())));
  }
  on_.pool.join();  // what gives leases back has run
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(storage_.root() / "leases")) {
    left.push_back(entry.path().filename().string());
  }
  EXPECT_THAT(left, ElementsAre("token"));
}

// Runs `body` in a child process, which says "ready" through a pipe and then waits to be killed.
pid_t child_that(const std::function<void(int)>& body, int* ready) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    body(ends[1]);
    ::_exit(0);
  }
  ::close(ends[1]);
  *ready = ends[0];
  return pid;
}

void kill_now(pid_t pid) {
  ::kill(pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
}

TEST(FileStorageProcesses, ALeaseIsFreeAsSoonAsItsOwnerIsKilled) {
  Folder folder;
  int ready = -1;
  const auto owner = child_that(
      [&](int say) {
        Running on(folder.path());
        const auto lease = on.wait(on.storage.lease("c/a", base::Deadline::never()));
        const auto token = lease->token();
        (void)!::write(say, &token, sizeof token);
        ::pause();
      },
      &ready);
  std::uint64_t token = 0;
  ASSERT_EQ(::read(ready, &token, sizeof token), static_cast<ssize_t>(sizeof token));
  Running on(folder.path());
  EXPECT_FALSE(on.wait(on.storage.lease("c/a", base::Deadline::in(base::Duration(1)))));
  kill_now(owner);
  const auto taken = on.wait(on.storage.lease("c/a", base::Deadline::in(base::Duration(20'000))));
  ASSERT_TRUE(taken) << taken.error().detail;
  EXPECT_GT(taken->token(), token);
  ::close(ready);
}

TEST(FileStorageProcesses, AKillWhileWritingLeavesEveryRecordWhole) {
  Folder folder;
  for (int life = 0; life < 12; ++life) {
    int ready = -1;
    const auto writer = child_that(
        [&](int say) {
          // Straight on the files: threads and a fork do not go together.
          const auto temporary = folder.path() / "temporary";
          for (int i = 0;; ++i) {
            const auto file = folder.path() / "r" / std::to_string(i % 7);
            if (!write_record(file, temporary,
                              std::string(20'000, static_cast<char>('a' + i % 26)))) {
              ::_exit(1);
            }
            (void)!::write(say, "x", 1);
          }
        },
        &ready);
    char byte = 0;
    for (int i = 0; i < 5 + life * 3; ++i) ASSERT_EQ(::read(ready, &byte, 1), 1);
    kill_now(writer);
    ::close(ready);
    for (int i = 0; i < 7; ++i) {
      const auto record = read_record(folder.path() / "r" / std::to_string(i));
      if (record) {
        EXPECT_EQ(record->size(), 20'000u);
      } else {
        EXPECT_EQ(record.error().code, base::Code::kNotFound);
        EXPECT_EQ(life, 0) << "a record that was there is there";
      }
    }
  }
  remove_leftovers(folder.path() / "temporary");
  EXPECT_TRUE(fs::is_empty(folder.path() / "temporary"));
}

TEST(WholeFile, TakesAnothersPlaceWithItsOwnPermissionsOrLeavesItAsItIs) {
  const Folder folder;
  const fs::path file = folder.path() / "chain.pem";
  ASSERT_TRUE(write_whole(file, "one", 0600));
  EXPECT_EQ(mode_of(file), 0600);
  ASSERT_TRUE(write_whole(file, "another", 0644));
  EXPECT_EQ(mode_of(file), 0644);
  std::string text;
  std::getline(std::ifstream(file), text);
  EXPECT_EQ(text, "another");
  const fs::path taken = folder.path() / "folder";
  fs::create_directories(taken / "full");
  const auto refused = write_whole(taken, "x", 0600);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr(taken.string()));
  EXPECT_FALSE(write_whole(folder.path() / "none" / "chain.pem", "x", 0600));
  std::set<std::string> left;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    left.insert(entry.path().filename());
  }
  EXPECT_THAT(left, ElementsAre("chain.pem", "folder"));
}

}  // namespace
}  // namespace gatehouse::storage::file_storage_test
