#include "config/node.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

namespace gatehouse::config {

namespace {

using Json = nlohmann::json;

// Counts lines while the lexer reads through it. A line break counts with the byte behind it: the
// lexer knows the end of a number by reading one byte too many.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at = nullptr;
  int* line = nullptr;
  bool line_ended = false;

  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    if (line_ended) ++*line;
    line_ended = *at == '\n';
    ++at;
    return *this;
  }
  CountingIterator operator++(int) {
    auto before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at == other.at; }
  bool operator!=(const CountingIterator& other) const { return at != other.at; }
};

class TreeBuilder : public Json::json_sax_t {
 public:
  TreeBuilder(const int& line, std::vector<ConfigError>& errors) : line_(line), errors_(errors) {}

  bool null() override { return put(Node::Kind::kNull) != nullptr; }
  bool boolean(bool value) override {
    put(Node::Kind::kBool)->boolean = value;
    return true;
  }
  bool number_integer(number_integer_t value) override {
    put(Node::Kind::kNumber)->text = std::to_string(value);
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    auto* node = put(Node::Kind::kNumber);
    node->whole = true;
    node->number = value;
    node->text = std::to_string(value);
    return true;
  }
  bool number_float(number_float_t, const string_t& text) override {
    put(Node::Kind::kNumber)->text = text;
    return true;
  }
  bool string(string_t& value) override {
    put(Node::Kind::kString)->text = std::move(value);
    return true;
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Node::Kind::kObject); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Node::Kind::kList); }
  bool end_array() override { return close(); }
  bool key(string_t& key) override {
    auto& node = *open_.back();
    const auto twice = [&](const Node::Member& member) { return member.key == key; };
    const auto first = std::find_if(node.members.begin(), node.members.end(), twice);
    if (first != node.members.end()) {
      errors_.push_back({pointer_to(pointer(), key), line_,
                         "the key \"" + key + "\" is given twice; it stands in line " +
                             std::to_string(first->line) + " already"});
    }
    node.members.push_back({key, line_, Node()});
    return true;
  }
  bool parse_error(std::size_t, const std::string& last, const Json::exception& error) override {
    std::string what = error.what();  // "[json…] parse error at line 1, column 2: …"
    if (const auto colon = what.find(": "); colon != std::string::npos) what.erase(0, colon + 2);
    errors_.push_back({pointer(), line_, "not JSON near \"" + last.substr(0, 40) + "\": " + what});
    return false;
  }

  Node take() { return std::move(root_); }

 private:
  Node* put(Node::Kind kind) {
    Node* node = &root_;
    if (!open_.empty() && open_.back()->kind == Node::Kind::kObject) {
      node = &open_.back()->members.back().value;
    } else if (!open_.empty()) {
      node = &open_.back()->items.emplace_back();
    }
    node->kind = kind;
    node->line = line_;
    return node;
  }
  // Pointers into `items` stay valid: a list grows only while its last item is not open.
  bool open(Node::Kind kind) {
    if (open_.size() == kDeepest) {
      errors_.push_back({pointer(), line_, "nested more than 64 levels deep"});
      return false;
    }
    open_.push_back(put(kind));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  std::string pointer() const {
    std::string text;
    for (const auto* node : open_) {
      if (node->kind == Node::Kind::kObject) {
        if (!node->members.empty()) text = pointer_to(text, node->members.back().key);
      } else if (!node->items.empty()) {
        text += "/" + std::to_string(node->items.size() - 1);
      }
    }
    // The last open object's own key is added by who reports on it.
    if (!open_.empty() && open_.back()->kind == Node::Kind::kObject &&
        !open_.back()->members.empty()) {
      text.erase(text.rfind('/'));
    }
    return text;
  }

  const int& line_;
  std::vector<ConfigError>& errors_;
  Node root_;
  std::vector<Node*> open_;
};

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const auto& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

std::string_view name(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kNull: return "null";
    case Node::Kind::kBool: return "true or false";
    case Node::Kind::kNumber: return "a number";
    case Node::Kind::kString: return "a string";
    case Node::Kind::kList: return "a list";
    case Node::Kind::kObject: return "an object";
  }
  return "something";
}

std::string pointer_to(std::string_view parent, std::string_view key) {
  std::string text(parent);
  text += '/';
  for (const char c : key) {
    if (c == '~') {
      text += "~0";
    } else if (c == '/') {
      text += "~1";
    } else {
      text += c;
    }
  }
  return text;
}

Node read_tree(std::string_view text, std::vector<ConfigError>& errors) {
  if (text.size() > kLargestFile) {
    errors.push_back({"", 0, "the file is larger than 16 MiB"});
    return {};
  }
  int line = 1;
  TreeBuilder builder(line, errors);
  const CountingIterator begin{text.data(), &line};
  const CountingIterator end{text.data() + text.size(), &line};
  Json::sax_parse(begin, end, &builder, Json::input_format_t::json, /*strict=*/true,
                  /*ignore_comments=*/true);
  return builder.take();
}

}  // namespace gatehouse::config
