#include "storage/folder_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/storage/folder.h"
#include "tests/storage/running.h"

namespace gatehouse::storage::folder_walk_test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class FolderWalkTest : public testing::Test {
 protected:
  void store(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(on_.wait(on_.storage.store("things/" + std::to_string(i), "x")));
    }
  }

  Folder folder_;
  Running on_{folder_.path() / "data"};
};

TEST_F(FolderWalkTest, MeetsEachKeyOnceWhateverTheSlice) {
  store(12);
  for (const std::size_t slice : {1u, 5u, 6u, 12u, 100u}) {
    std::multiset<std::string> met;
    for (FolderWalk walk(on_.storage, "things", slice); !walk.over();) {
      const auto keys = on_.wait(walk.next());
      ASSERT_TRUE(keys);
      EXPECT_LE(keys->size(), slice);
      met.insert(keys->begin(), keys->end());
    }
    EXPECT_THAT(met, SizeIs(12)) << slice;
    for (int i = 0; i < 12; ++i) EXPECT_EQ(met.count("things/" + std::to_string(i)), 1U) << i;
  }
}

TEST_F(FolderWalkTest, OfAFolderThatIsNotThereIsOverAtOnce) {
  FolderWalk walk(on_.storage, "things");
  EXPECT_FALSE(walk.over());
  const auto keys = on_.wait(walk.next());
  ASSERT_TRUE(keys);
  EXPECT_THAT(*keys, IsEmpty());
  EXPECT_TRUE(walk.over());
}

TEST_F(FolderWalkTest, GoesOnThoughWhatItHasMetIsRemoved) {
  store(9);
  std::size_t met = 0;
  for (FolderWalk walk(on_.storage, "things", 2); !walk.over();) {
    const auto keys = on_.wait(walk.next());
    ASSERT_TRUE(keys);
    met += keys->size();
    for (const std::string& key : *keys) ASSERT_TRUE(on_.wait(on_.storage.remove(key)));
  }
  EXPECT_EQ(met, 9U);
}

TEST_F(FolderWalkTest, AnErrorEndsIt) {
  store(1);
  FolderWalk walk(on_.storage, "../things");
  EXPECT_FALSE(on_.wait(walk.next()));
  EXPECT_TRUE(walk.over());
  const auto keys = on_.wait(walk.next());
  ASSERT_TRUE(keys);
  EXPECT_THAT(*keys, IsEmpty());
}

}  // namespace
}  // namespace gatehouse::storage::folder_walk_test
