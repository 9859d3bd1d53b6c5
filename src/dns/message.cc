#include "dns/message.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <resolv.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace gatehouse::dns {

namespace {

using base::Code;
using base::Side;

constexpr std::array<std::string_view, 11> kRcodes = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                                      "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                                      "NXRRSET", "NOTAUTH", "NOTZONE"};

std::unexpected<base::Error> malformed(std::string what) {
  return base::fail(Code::kMalformed, Side::kUpstream, base::Retry::kYes, std::move(what));
}

// All character-strings of a TXT as one, as CAs read it.
std::string text_of(std::string_view data) {
  std::string text;
  while (!data.empty()) {
    const auto length = static_cast<unsigned char>(data.front());
    text += data.substr(1, length);
    data.remove_prefix(std::min<std::size_t>(data.size(), 1u + length));
  }
  return text;
}

// "128 issue ca.example; …" of a CAA (RFC 8659 4.1).
bool read_caa(std::string_view data, std::string& out) {
  if (data.size() < 2) return false;
  const std::size_t tag = static_cast<unsigned char>(data[1]);
  if (tag == 0 || data.size() < 2 + tag) return false;
  out = std::to_string(static_cast<unsigned char>(data[0])) + ' ';
  out.append(data.substr(2, tag)).append(" ").append(data.substr(2 + tag));
  return true;
}

bool read_value(const ns_msg& message, const ns_rr& record, Record& out) {
  const std::string_view data(reinterpret_cast<const char*>(ns_rr_rdata(record)),
                              ns_rr_rdlen(record));
  char text[NS_MAXDNAME] = {};
  switch (out.type) {
    case Type::kA:
      if (data.size() != 4) return false;
      out.value = ::inet_ntop(AF_INET, data.data(), text, sizeof text);
      return true;
    case Type::kAaaa:
      if (data.size() != 16) return false;
      out.value = ::inet_ntop(AF_INET6, data.data(), text, sizeof text);
      return true;
    case Type::kNs:
    case Type::kCname:
      if (ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), ns_rr_rdata(record), text,
                             sizeof text) < 0) {
        return false;
      }
      out.value = plain_name(text);
      return true;
    case Type::kTxt: out.value = text_of(data); return true;
    case Type::kCaa: return read_caa(data, out.value);
    case Type::kSoa: return true;
  }
  return false;
}

bool is_known(unsigned type) {
  for (const Type one :
       {Type::kA, Type::kNs, Type::kCname, Type::kSoa, Type::kTxt, Type::kAaaa, Type::kCaa}) {
    if (static_cast<unsigned>(one) == type) return true;
  }
  return false;
}

base::Result<std::vector<Record>> read_section(ns_msg& message, ns_sect section) {
  std::vector<Record> records;
  for (int i = 0; i < ns_msg_count(message, section); ++i) {
    ns_rr found{};
    if (ns_parserr(&message, section, i, &found) != 0) return malformed("a record is cut short");
    if (ns_rr_class(found) != ns_c_in || !is_known(ns_rr_type(found))) continue;
    Record record;
    record.name = plain_name(ns_rr_name(found));
    record.type = static_cast<Type>(ns_rr_type(found));
    if (!read_value(message, found, record)) return malformed("a record has no value of its type");
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace

std::string rcode_name(unsigned rcode) {
  return rcode < kRcodes.size() ? std::string(kRcodes[rcode]) : "rcode " + std::to_string(rcode);
}

std::string plain_name(std::string_view name) {
  if (name.ends_with('.') && !name.ends_with("\\.")) name.remove_suffix(1);
  std::string plain(name);
  std::ranges::transform(plain, plain.begin(), [](unsigned char c) { return std::tolower(c); });
  return plain;
}

base::Result<void> append_name(std::string& out, std::string_view name) {
  std::array<unsigned char, NS_MAXCDNAME> wire{};
  const std::string text = plain_name(name);
  if (text.find('\0') != std::string::npos ||
      ns_name_pton(text.c_str(), wire.data(), wire.size()) < 0) {
    return base::fail(Code::kMalformed, "\"" + text.substr(0, 256) + "\" is no domain name");
  }
  std::size_t size = 0;
  while (wire.at(size) != 0) size += 1u + wire.at(size);
  out.append(reinterpret_cast<const char*>(wire.data()), size + 1);
  return {};
}

void append_u16(std::string& out, std::uint64_t number) {
  out += static_cast<char>(number >> 8 & 255);
  out += static_cast<char>(number & 255);
}

void append_u32(std::string& out, std::uint64_t number) {
  append_u16(out, number >> 16 & 65535);
  append_u16(out, number & 65535);
}

base::Result<std::string> make_query(std::uint16_t id, std::string_view name, Type type,
                                     bool recurse) {
  std::string message;
  append_u16(message, id);
  append_u16(message, recurse ? 0x0100 : 0);
  for (const unsigned count : {1u, 0u, 0u, 0u}) append_u16(message, count);
  auto named = append_name(message, name);
  if (!named) return base::fail(std::move(named.error()));
  append_u16(message, static_cast<std::uint16_t>(type));
  append_u16(message, ns_c_in);
  return message;
}

base::Result<Answer> read_answer(std::string_view message, std::uint16_t id, std::string_view name,
                                 Type type) {
  ns_msg parsed{};
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  if (message.size() > kLargestMessage ||
      ns_initparse(bytes, static_cast<int>(message.size()), &parsed) != 0) {
    return malformed("what came is no DNS message");
  }
  ns_rr question{};
  const bool ours = ns_msg_id(parsed) == id && ns_msg_getflag(parsed, ns_f_qr) == 1 &&
                    ns_msg_count(parsed, ns_s_qd) == 1 &&
                    ns_parserr(&parsed, ns_s_qd, 0, &question) == 0 &&
                    plain_name(ns_rr_name(question)) == plain_name(name) &&
                    ns_rr_type(question) == static_cast<unsigned>(type);
  if (!ours) return malformed("what came answers another question");
  Answer answer;
  answer.rcode = static_cast<unsigned>(ns_msg_getflag(parsed, ns_f_rcode));
  auto answers = read_section(parsed, ns_s_an);
  if (!answers) return base::fail(std::move(answers.error()));
  auto authority = read_section(parsed, ns_s_ns);
  if (!authority) return base::fail(std::move(authority.error()));
  answer.answers = std::move(*answers);
  answer.authority = std::move(*authority);
  return answer;
}

}  // namespace gatehouse::dns
