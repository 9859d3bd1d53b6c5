// A JSON text as a tree that knows where each thing stands. Read by SAX, because a DOM silently
// keeps the last of two equal keys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatehouse::config {

inline constexpr std::size_t kLargestFile = 16 * 1024 * 1024;  // bytes of a configuration
inline constexpr std::size_t kDeepest = 64;                    // levels of nesting
inline constexpr std::size_t kMostErrors = 100;                // reported of one file

// One thing that is wrong: JSON pointer (RFC 6901) of the place, line (from 1; 0: unknown), and
// what was expected there.
struct ConfigError {
  std::string pointer;
  int line = 0;
  std::string message;
};

struct Node {
  enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kList, kObject };
  struct Member;

  Kind kind = Kind::kNull;
  int line = 0;
  bool boolean = false;
  bool whole = false;  // kNumber: an integer that is not negative
  std::uint64_t number = 0;
  std::string text;  // kString: the value; kNumber: as written
  std::vector<Node> items;
  std::vector<Member> members;

  // The member called `key`, or null.
  const Node* find(std::string_view key) const;
};

struct Node::Member {
  std::string key;
  int line = 0;
  Node value;
};

// "an object", "a string", … for messages.
std::string_view name(Node::Kind kind);

// Reads `text` ("//" and "/* */" comments allowed). What is wrong goes to `errors`: syntax (then
// the tree is what came before), a key given twice, too deep, too large.
Node read_tree(std::string_view text, std::vector<ConfigError>& errors);

// "/sites/0" + "a/b" -> "/sites/0/a~1b".
std::string pointer_to(std::string_view parent, std::string_view key);

}  // namespace gatehouse::config
