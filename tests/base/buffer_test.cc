#include "base/buffer.h"

#include <gtest/gtest.h>

namespace gatehouse::base::buffer_test {
namespace {

TEST(BufferPool, HandsOutAReturnedBlockAgain) {
  BufferPool pool;
  auto first = pool.acquire();
  auto* memory = first->data();
  EXPECT_EQ(first->size(), BufferPool::kBlock);
  first.reset();
  EXPECT_EQ(pool.acquire()->data(), memory);
}

TEST(BufferPool, NeverHandsOutABlockThatIsInUse) {
  BufferPool pool;
  auto first = pool.acquire();
  auto second = pool.acquire();
  EXPECT_NE(first->data(), second->data());
}

TEST(BufferPool, FreesWhatIsMoreThanItKeeps) {
  BufferPool pool;
  std::vector<BufferRef> held;
  for (std::size_t i = 0; i < BufferPool::kIdle + 10; ++i) held.push_back(pool.acquire());
  held.clear();  // AddressSanitizer sees whether each block was freed once
  EXPECT_TRUE(pool.acquire()->unique());
}

TEST(BufferPool, KeepsLessWhenItIsToldTo) {
  BufferPool pool;
  auto first = pool.acquire();
  auto second = pool.acquire();
  auto* memory = second->data();
  first.reset();
  second.reset();
  pool.keep(1);
  EXPECT_NE(pool.acquire()->data(), memory);
  pool.keep(0);
  auto third = pool.acquire();
  third.reset();
  pool.keep(BufferPool::kIdle);
  EXPECT_TRUE(pool.acquire()->unique());
}

TEST(BufferPool, LendsLargeBlocksUpToABound) {
  BufferPool pool;
  pool.keep(4);
  auto first = pool.acquire_bulk();
  auto second = pool.acquire_bulk();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->size(), BufferPool::kBulk);
  EXPECT_FALSE(pool.acquire_bulk());
  EXPECT_EQ(pool.acquire()->size(), BufferPool::kBlock);
  first.reset();
  EXPECT_TRUE(pool.acquire_bulk());
}

TEST(Buffer, CountsItsReferences) {
  auto one = Buffer::make(10);
  EXPECT_EQ(one->size(), 10u);
  EXPECT_TRUE(one->unique());
  auto two = one;
  EXPECT_FALSE(one->unique());
  two.reset();
  EXPECT_TRUE(one->unique());
}

TEST(Chunk, KeepsItsBlockAlive) {
  BufferPool pool;
  Chunk chunk;
  {
    auto block = pool.acquire();
    block->data()[0] = 'x';
    chunk = Chunk(block, Bytes(block->data(), 1));
  }
  auto other = pool.acquire();
  other->data()[0] = 'y';
  EXPECT_EQ(as_text(chunk.bytes()), "x");
}

TEST(Chunk, CopiesAndDropsFromTheFront) {
  auto chunk = Chunk::copy_of(as_bytes("hello"));
  chunk.drop_front(2);
  EXPECT_EQ(as_text(chunk.bytes()), "llo");
  EXPECT_EQ(chunk.size(), 3u);
  EXPECT_TRUE(Chunk::copy_of({}).empty());
  EXPECT_EQ(as_text(Chunk::of_static("static").bytes()), "static");
}

}  // namespace
}  // namespace gatehouse::base::buffer_test
