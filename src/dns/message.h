// DNS messages (RFC 1035 4): questions written, answers read. The C library's own reader does the
// work (<arpa/nameser.h>), which is in every process already.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gatehouse::dns {

// The types that we ask for (RFC 1035 3.2.2, RFC 3596, RFC 8659).
enum class Type : std::uint16_t {
  kA = 1,
  kNs = 2,
  kCname = 5,
  kSoa = 6,
  kTxt = 16,
  kAaaa = 28,
  kCaa = 257
};

inline constexpr std::size_t kLargestMessage = 65535;  // that TCP carries

// Names are text without a dot at their end, in lower case.
struct Record {
  std::string name;
  Type type = Type::kA;
  std::string value;  // an IP address, a name, or all strings of a TXT as one; of a CAA "FLAGS TAG
                      // VALUE"; of a SOA nothing
};

struct Answer {
  unsigned rcode = 0;
  std::vector<Record> answers;    // of the types above
  std::vector<Record> authority;  // the same
};

// "NOERROR", "REFUSED", or the number.
std::string rcode_name(unsigned rcode);

// In lower case, without the dot at the end.
std::string plain_name(std::string_view name);

// Puts the name behind `out` as it stands in messages, uncompressed, in lower case. Error:
// kMalformed for what is no domain name.
base::Result<void> append_name(std::string& out, std::string_view name);
// The same for a number, the high byte first.
void append_u16(std::string& out, std::uint64_t number);
void append_u32(std::string& out, std::uint64_t number);

// A question for `name`; `recurse`: the server is to find out what it does not know. Error:
// kMalformed.
base::Result<std::string> make_query(std::uint16_t id, std::string_view name, Type type,
                                     bool recurse);

// Reads the answer to such a question. Any rcode is a success here. Errors: kMalformed for what is
// no answer, or none to this question.
base::Result<Answer> read_answer(std::string_view message, std::uint16_t id, std::string_view name,
                                 Type type);

}  // namespace gatehouse::dns
