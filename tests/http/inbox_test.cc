#include "http/inbox.h"

#include <gtest/gtest.h>

namespace gatehouse::http::inbox_test {
namespace {

TEST(Inbox, OffersWholeRecordsToBodies) {
  base::BufferPool pool;
  Inbox inbox(pool);
  EXPECT_EQ(inbox.body_room().size(), kBodyUnit);
}

TEST(Inbox, OffersMoreAfterRoomThatWasFilledAndLessWhenTheStreamPauses) {
  base::BufferPool pool;
  Inbox inbox(pool);
  inbox.filled(inbox.body_room().size());
  auto held = inbox.take(kBodyUnit);
  const auto more = inbox.body_room().size();
  EXPECT_EQ(more, 4 * kBodyUnit);
  inbox.filled(10);
  held = inbox.take(10);
  inbox.release();
  EXPECT_EQ(inbox.body_room().size(), kBodyUnit);
}

TEST(Inbox, NeverWritesOverWhatIsStillHeld) {
  base::BufferPool pool;
  Inbox inbox(pool);
  inbox.filled(inbox.body_room().size());
  const auto first = inbox.take(kBodyUnit);
  for (int i = 0; i < 3; ++i) {
    const auto room = inbox.body_room();
    ASSERT_FALSE(room.empty());
    const bool apart =
        room.data() >= first.data() + first.size() || room.data() + room.size() <= first.data();
    EXPECT_TRUE(apart);
    inbox.filled(room.size());
    (void)inbox.take(room.size());
  }
}

}  // namespace
}  // namespace gatehouse::http::inbox_test
