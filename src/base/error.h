// What can go wrong at run time, as a value. Every folder reports failures with it; policy reads
// `side` and `retry`, people read `detail`.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace gatehouse::base {

// What kind of failure it is. Names say what was observed, not what to do.
enum class Code : std::uint8_t {
  kClosed,       // the peer ended the connection in an orderly way where more was expected
  kReset,        // the connection broke (RST, broken pipe)
  kRefused,      // connect failed: nobody listens, no route
  kTimeout,      // a Deadline passed
  kCancelled,    // nobody wants it any more (shutdown, owner gone, the peer says so)
  kMalformed,    // bytes break the protocol's grammar
  kUnsupported,  // well-formed, but not something we do
  kTooLarge,     // a written bound was reached (size, count)
  kOverload,     // a queue or table is full; may go away by itself
  kNotFound,     // no such name, record, host
  kDenied,       // policy or the other side said no
  kDamaged,      // stored data fails its check
  kIo,           // the operating system refused (file, socket, memory)
  kTls,          // handshake or record failure
  kInternal,     // a bug: an invariant does not hold
};

// Whose fault it is, as seen from a request that passes through.
enum class Side : std::uint8_t { kLocal, kDownstream, kUpstream, kCa, kStorage };

// Whether the same operation may be tried again without doing something twice.
enum class Retry : std::uint8_t {
  kNo,      // something may have been executed, or it would fail again
  kYes,     // nothing was executed
  kReused,  // only if the connection had been used before (it had gone stale)
};

// One failure. `detail` names what, where and what to do, in one line of plain words.
struct Error {
  Code code = Code::kInternal;
  Side side = Side::kLocal;
  Retry retry = Retry::kNo;
  std::string detail;

  Error() = default;
  Error(Code c, std::string d) : code(c), detail(std::move(d)) {}
  Error(Code c, Side s, std::string d) : code(c), side(s), detail(std::move(d)) {}
  Error(Code c, Side s, Retry r, std::string d)
      : code(c), side(s), retry(r), detail(std::move(d)) {}
};

template <class T = void>
using Result = std::expected<T, Error>;

// The code's name in lower case ("timeout"), for logs. Never null.
std::string_view name(Code code);
std::string_view name(Side side);

// Short forms for `return std::unexpected(Error(...))`.
inline std::unexpected<Error> fail(Code c, std::string detail) {
  return std::unexpected<Error>(Error(c, std::move(detail)));
}
inline std::unexpected<Error> fail(Code c, Side s, std::string detail) {
  return std::unexpected<Error>(Error(c, s, std::move(detail)));
}
inline std::unexpected<Error> fail(Code c, Side s, Retry r, std::string detail) {
  return std::unexpected<Error>(Error(c, s, r, std::move(detail)));
}
inline std::unexpected<Error> fail(Error e) { return std::unexpected<Error>(std::move(e)); }

// "what: strerror(error)", with the code that fits a socket or file errno.
Error from_errno(int error, Side side, std::string_view what);

}  // namespace gatehouse::base
