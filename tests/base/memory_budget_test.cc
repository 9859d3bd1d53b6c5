#include "base/memory_budget.h"

#include <gtest/gtest.h>

namespace gatehouse::base::memory_budget_test {
namespace {

using Level = MemoryBudget::Level;

TEST(MemoryBudget, EachLevelHasItsPartOfTheLimit) {
  MemoryBudget budget(1000);
  const auto at = [&](std::uint64_t used) {
    budget.note(used);
    return budget.level();
  };
  EXPECT_EQ(at(0), Level::kEnough);
  EXPECT_EQ(at(799), Level::kEnough);
  EXPECT_EQ(at(800), Level::kShort);
  EXPECT_EQ(at(899), Level::kShort);
  EXPECT_EQ(at(900), Level::kRefusing);
  EXPECT_EQ(at(950), Level::kEndingIdle);
  EXPECT_EQ(at(1000), Level::kFull);
  EXPECT_EQ(at(5000), Level::kFull);
  EXPECT_DOUBLE_EQ(budget.fullness(), 5.0);
  EXPECT_EQ(at(0), Level::kEnough);
}

TEST(MemoryBudget, ALevelLastsUntilClearlyLessIsUsed) {
  MemoryBudget budget(1000);
  budget.note(900);
  budget.note(851);
  EXPECT_TRUE(budget.refuses());
  budget.note(849);
  EXPECT_FALSE(budget.refuses());
  EXPECT_TRUE(budget.is_short());
  budget.note(899);
  EXPECT_FALSE(budget.refuses()) << "it has to come anew";
  budget.note(751);
  EXPECT_TRUE(budget.is_short());
  budget.note(749);
  EXPECT_EQ(budget.level(), Level::kEnough);
  budget.note(1000);
  budget.note(951);
  EXPECT_TRUE(budget.is_full());
  budget.note(860);
  EXPECT_EQ(budget.level(), Level::kRefusing) << "each level falls by itself";
}

TEST(MemoryBudget, WithoutALimitThereIsAlwaysEnough) {
  MemoryBudget budget(0);
  budget.note(UINT64_MAX);
  EXPECT_EQ(budget.level(), Level::kEnough);
  EXPECT_EQ(budget.fullness(), 0);
  EXPECT_FALSE(is_short(&budget));
  EXPECT_FALSE(is_short(nullptr));
}

}  // namespace
}  // namespace gatehouse::base::memory_budget_test
