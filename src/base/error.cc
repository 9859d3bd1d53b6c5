#include "base/error.h"

#include <cerrno>
#include <cstring>

namespace gatehouse::base {

std::string_view name(Code code) {
  switch (code) {
    case Code::kClosed: return "closed";
    case Code::kReset: return "reset";
    case Code::kRefused: return "refused";
    case Code::kTimeout: return "timeout";
    case Code::kCancelled: return "cancelled";
    case Code::kMalformed: return "malformed";
    case Code::kUnsupported: return "unsupported";
    case Code::kTooLarge: return "too_large";
    case Code::kOverload: return "overload";
    case Code::kNotFound: return "not_found";
    case Code::kDenied: return "denied";
    case Code::kDamaged: return "damaged";
    case Code::kIo: return "io";
    case Code::kTls: return "tls";
    case Code::kInternal: return "internal";
  }
  return "unknown";
}

std::string_view name(Side side) {
  switch (side) {
    case Side::kLocal: return "local";
    case Side::kDownstream: return "downstream";
    case Side::kUpstream: return "upstream";
    case Side::kCa: return "ca";
    case Side::kStorage: return "storage";
  }
  return "unknown";
}

namespace {

Code code_of(int error) {
  switch (error) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EADDRNOTAVAIL: return Code::kRefused;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE: return Code::kReset;
    case ETIMEDOUT: return Code::kTimeout;
    case ENOENT: return Code::kNotFound;
    case EACCES:
    case EPERM: return Code::kDenied;
    case ECANCELED: return Code::kCancelled;
    default: return Code::kIo;
  }
}

}  // namespace

Error from_errno(int error, Side side, std::string_view what) {
  char text[128];
  const char* said = ::strerror_r(error, text, sizeof text);
  std::string detail(what);
  detail += ": ";
  detail += said;
  return Error(code_of(error), side, std::move(detail));
}

}  // namespace gatehouse::base
