#include "http/eight_bytes.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::http::eight_bytes_test {
namespace {

TEST(EightBytesTest, FindsAControlByteWhereverItStandsAndNothingElse) {
  for (std::size_t size = 0; size < 20; ++size) {
    EXPECT_FALSE(may_have_control_byte(std::string(size, 'a')));
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        for (const char around : {' ', 'a', '\x7e', '\x80', '\xff'}) {
          std::string text(size, around);
          text[at] = static_cast<char>(byte);
          EXPECT_EQ(may_have_control_byte(text), byte < 0x20 || byte == 0x7f) << byte << " " << at;
        }
      }
    }
  }
}

}  // namespace
}  // namespace gatehouse::http::eight_bytes_test
