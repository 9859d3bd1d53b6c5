// Field lists of HTTP messages (RFC 9110 5): order kept, names compared without case.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::http {

struct Field {
  std::string name;   // as received
  std::string value;  // without leading and trailing white space

  Field() = default;
  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
};

// A head's or trailer's fields. Small lists: look-ups scan. Values are validated by who parsed
// them; who adds own fields must not put CR, LF or NUL in.
//
// A list that is cleared and filled again, as a connection's is for each request, gets its strings'
// memory back: cleared fields are kept aside, within the bounds below.
class Fields {
 public:
  static constexpr std::size_t kSpareFields = 32;
  static constexpr std::size_t kSpareBytes = 256;  // of one value; longer ones are freed

  Fields() = default;
  Fields(const Fields& other) : list_(other.list_) {}
  Fields(Fields&&) = default;
  Fields& operator=(const Fields& other);
  Fields& operator=(Fields&&) = default;
  ~Fields() = default;

  void add(std::string_view name, std::string_view value);
  // Replaces all of that name by one.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  void clear();

  // First value of that name, or null.
  const std::string* find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  // All values of that name joined by ", " (RFC 9110 5.3).
  std::string joined(std::string_view name) const;
  // Whether a comma-separated list field holds `token`, without case.
  bool has_token(std::string_view name, std::string_view token) const;

  bool empty() const { return list_.empty(); }
  std::size_t size() const { return list_.size(); }
  auto begin() const { return list_.begin(); }
  auto end() const { return list_.end(); }
  std::vector<Field>& list() { return list_; }

 private:
  std::vector<Field> list_;
  std::vector<Field> spare_;
};

// Whether a trailer may have that name: what changes framing, routing or access must not come after
// the body (RFC 9110 6.5.1).
bool may_be_trailer(std::string_view name);

// ASCII comparison without case.
bool equal_names(std::string_view a, std::string_view b);

// Whether the comma-separated `list` holds `token`, without case (RFC 9110 5.6.1).
bool list_has_token(std::string_view list, std::string_view token);

// `text` without spaces and tabs at its ends (OWS, RFC 9110 5.6.3).
std::string_view without_blanks(std::string_view text);

}  // namespace gatehouse::http
