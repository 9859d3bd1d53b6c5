#include "proxy/forwarded.h"

#include <algorithm>

namespace gatehouse::proxy {

namespace {

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// A field value read from its front.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_blanks() {
    while (take(' ') || take('\t')) {
    }
  }
  std::string_view token() {
    const auto* end = std::ranges::find_if_not(rest_, is_token_char);
    const auto found = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(found.size());
    return found;
  }
  // A token or a quoted-string without its quotes; false for neither.
  bool value(std::string& out) {
    if (!take('"')) {
      out = token();
      return !out.empty();
    }
    for (; !rest_.empty(); rest_.remove_prefix(1)) {
      if (take('"')) return true;
      take('\\');
      if (rest_.empty()) return false;
      out += rest_.front();
    }
    return false;
  }

 private:
  std::string_view rest_;
};

std::string* part_of(ForwardedElement& element, std::string_view name) {
  if (http::equal_names(name, "for")) return &element.node;
  if (http::equal_names(name, "proto")) return &element.proto;
  if (http::equal_names(name, "host")) return &element.host;
  return nullptr;
}

// Pairs up to a comma or the end (RFC 7239 4); each parameter once.
bool read_element(Reader& reader, ForwardedElement& element) {
  do {
    reader.skip_blanks();
    const auto name = reader.token();
    if (name.empty()) continue;  // ";;" says nothing
    std::string value;
    if (!reader.take('=') || !reader.value(value)) return false;
    if (auto* part = part_of(element, name)) {
      if (!part->empty()) return false;
      *part = std::move(value);
    }
    reader.skip_blanks();
  } while (reader.take(';'));
  std::ranges::transform(element.proto, element.proto.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return true;
}

bool read_field(std::string_view value, std::vector<ForwardedElement>& out) {
  Reader reader(value);
  do {
    ForwardedElement element;
    if (!read_element(reader, element)) return false;
    out.push_back(std::move(element));
  } while (reader.take(','));
  return reader.at_end();
}

}  // namespace

ForwardedList read_forwarded(const http::Fields& fields) {
  ForwardedList list;
  for (const auto& field : fields) {
    if (!http::equal_names(field.name, "Forwarded")) continue;
    if (read_field(field.value, list.elements)) continue;
    list.is_whole = false;
    list.elements.clear();
  }
  return list;
}

std::string forwarded_element(std::string_view ip, std::string_view proto, std::string_view host) {
  std::string text = "for=";
  const bool v6 = ip.find(':') != std::string_view::npos;
  text += v6 ? "\"[" : "";
  text += ip;
  text += v6 ? "]\"" : "";
  if (!host.empty()) {
    text += ";host=\"";
    text += host;  // an authority has no quotes in it (http/target)
    text += '"';
  }
  text += ";proto=";
  text += proto;
  return text;
}

std::vector<std::string_view> list_parts(std::string_view list) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    const auto part = http::without_blanks(list.substr(0, comma));
    if (!part.empty()) parts.push_back(part);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return parts;
}

std::optional<base::Endpoint> address_of_node(std::string_view node) {
  std::string_view port;
  if (node.starts_with('[')) {
    const auto end = node.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    port = node.substr(end + 1);
    node = node.substr(0, end + 1);
  } else if (std::ranges::count(node, ':') == 1) {
    port = node.substr(node.find(':'));
    node = node.substr(0, node.find(':'));
  }
  const bool ported = port.starts_with(':') && port.size() >= 2 && port.size() <= 6 &&
                      port.find_first_not_of("0123456789", 1) == std::string_view::npos;
  if (!port.empty() && !ported) return std::nullopt;
  auto address = base::Endpoint::from_ip(node, 0);
  if (!address) return std::nullopt;
  return *address;
}

}  // namespace gatehouse::proxy
