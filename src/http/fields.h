// Field lists of HTTP messages (RFC 9110 5): order kept, names compared without case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/recycled.h"
#include "http/field_name.h"

namespace gatehouse::http {

// One field of a list: views into it, good until the list changes.
struct Field {
  std::string_view name;   // as received
  std::string_view value;  // without leading and trailing white space
  FieldName known = FieldName::kOther;
  bool odd = false;  // the name has "_" or "."
};

// A head's or trailer's fields. Small lists: look-ups scan. All text is one block, written as
// HTTP/1.1 sends it, so that copying and sending a list are copies of memory. What is added, found
// or compared by name may be given as one of FieldName, which is faster, or as text.
class Fields {
  // "name: value\r\n" within the text.
  struct Place {
    std::uint32_t at;
    std::uint32_t name_size;
    std::uint32_t value_size;
    FieldName known;
    bool odd;
  };

 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using iterator_concept = std::forward_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = Field;
    using reference = Field;
    using pointer = void;

    Iterator() = default;
    Field operator*() const { return field_at(text_, *place_); }
    Iterator& operator++() {
      ++place_;
      return *this;
    }
    Iterator operator++(int) {
      auto old = *this;
      ++place_;
      return old;
    }
    bool operator==(const Iterator& other) const { return place_ == other.place_; }

   private:
    friend class Fields;
    Iterator(const char* text, const Place* place) : text_(text), place_(place) {}
    const char* text_ = nullptr;
    const Place* place_ = nullptr;
  };

  // A name or a value that would break its line (CR, LF, NUL) is left out: parsers refuse such,
  // and others must not make them. Neither may lie in this list.
  void add(std::string_view name, std::string_view value);
  void add(FieldName name, std::string_view value);
  // What a parser has checked; `known` is what known_field() says of the name.
  void add_checked(FieldName known, std::string_view name, std::string_view value);
  // Clears the list and copies `lines`, those of a head as HTTP/1.1 sent them; then takes `count`
  // fields or less by add_line(), whose bytes so lie here already.
  void begin_lines(std::string_view lines, std::size_t count);
  // A checked field whose name begins at `at` of the lines; what lies there otherwise than it is
  // written here is written anew.
  void add_line(FieldName known, std::size_t at, std::string_view name, std::string_view value);
  // Replaces all of that name by one.
  void set(std::string_view name, std::string_view value);
  void set(FieldName name, std::string_view value);
  void remove(std::string_view name);
  void remove(FieldName name);
  template <typename Predicate>
  void remove_if(Predicate unwanted) {
    std::erase_if(places_,
                  [&](const Place& place) { return unwanted(field_at(text_.data(), place)); });
  }
  // Becomes those of `from` that are wanted; every name and value stays where it was.
  template <typename Predicate>
  void assign_if(const Fields& from, Predicate wanted) {
    text_.clear();
    text_.reserve(from.text_.size() + kRoom * kLine);
    text_ += from.text_;
    places_.clear();
    places_.reserve(from.places_.size() + kRoom);
    names_ = from.names_;
    may_be_odd_ = from.may_be_odd_;
    for (const auto& place : from.places_) {
      if (wanted(field_at(text_.data(), place))) places_.push_back(place);
    }
  }
  void clear();
  // Clears, and gives the memory back.
  void release();

  // First value of that name.
  std::optional<std::string_view> find(std::string_view name) const;
  std::optional<std::string_view> find(FieldName name) const;
  bool has(std::string_view name) const { return find(name).has_value(); }
  bool has(FieldName name) const { return may_have({name}) && find(name).has_value(); }
  // False when surely none of `names` is here: what most look-ups end with, without a search.
  bool may_have(FieldNames names) const { return names_.intersects(names); }
  // False when surely no name is odd (Field::odd).
  bool may_be_odd() const { return may_be_odd_; }
  std::size_t count(std::string_view name) const;
  std::size_t count(FieldName name) const;
  // All values of that name joined by ", " (RFC 9110 5.3).
  std::string joined(std::string_view name) const;
  std::string joined(FieldName name) const;
  // Whether a comma-separated list field holds `token`, without case.
  bool has_token(FieldName name, std::string_view token) const;

  // Appends them to a head of HTTP/1.1, line by line, but those in `without`.
  void append_lines(base::Text& out, FieldNames without) const;

  // Room that append_lines() needs at most.
  std::size_t bytes() const { return text_.size(); }

  bool empty() const { return places_.empty(); }
  std::size_t size() const { return places_.size(); }
  Iterator begin() const { return Iterator(text_.data(), places_.data()); }
  Iterator end() const { return Iterator(text_.data(), places_.data() + places_.size()); }

 private:
  static constexpr std::size_t kRoom = 8;          // for what a proxy adds
  static constexpr std::size_t kLine = 64;         // bytes of a line of that
  static constexpr std::size_t kFirstText = 1024;  // bytes of a first block
  static constexpr std::size_t kBetween = 2;       // ": "
  static constexpr std::size_t kLineEndBytes = 2;

  static Field field_at(const char* text, const Place& place) {
    const char* const name = text + place.at;
    return Field{std::string_view(name, place.name_size),
                 std::string_view(name + place.name_size + kBetween, place.value_size), place.known,
                 place.odd};
  }
  static std::size_t size_of(const Place& place) {
    return place.name_size + kBetween + place.value_size + kLineEndBytes;
  }

  void add_place(FieldName known, std::size_t at, std::string_view name, std::size_t value_size);

  base::Text text_;
  base::RecycledList<Place> places_;
  FieldNames names_{};  // that have been added, and maybe removed again
  bool may_be_odd_ = false;
};

// Whether a trailer may have that name: what changes framing, routing or access must not come after
// the body (RFC 9110 6.5.1).
bool may_be_trailer(std::string_view name);

// ASCII comparison without case.
bool equal_names(std::string_view a, std::string_view b);

// Whether the comma-separated `list` holds `token`, without case (RFC 9110 5.6.1).
bool list_has_token(std::string_view list, std::string_view token);

// `text` without spaces and tabs at its ends (OWS, RFC 9110 5.6.3).
inline std::string_view without_blanks(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Whether it holds CR, LF or NUL.
bool breaks_the_line(std::string_view text);

}  // namespace gatehouse::http
