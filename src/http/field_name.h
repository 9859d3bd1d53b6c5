// Field names that gatehouse itself acts on, and those that most messages have, told apart once
// when a field is read, so that nobody looks at their letters again (RFC 9110 5.1).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace gatehouse::http {

enum class FieldName : std::uint8_t {
  kOther,  // any that is not named here
  kAccept,
  kAcceptEncoding,
  kAcceptLanguage,
  kAcceptRanges,
  kAuthorization,
  kCacheControl,
  kClientCert,
  kClientCertChain,
  kConnection,
  kContentEncoding,
  kContentLength,
  kContentType,
  kCookie,
  kDate,
  kEtag,
  kExpect,
  kExpires,
  kForwarded,
  kHost,
  kHttp2Settings,
  kIfModifiedSince,
  kIfNoneMatch,
  kKeepAlive,
  kLastModified,
  kLocation,
  kOrigin,
  kPragma,
  kProxyAuthenticate,
  kProxyAuthorization,
  kProxyConnection,
  kRange,
  kReferer,
  kSecFetchDest,
  kSecFetchMode,
  kSecFetchSite,
  kSecFetchUser,
  kSecWebSocketAccept,
  kSecWebSocketKey,
  kSecWebSocketVersion,
  kServer,
  kSetCookie,
  kStrictTransportSecurity,
  kTe,
  kTraceparent,
  kTracestate,
  kTransferEncoding,
  kUpgrade,
  kUpgradeInsecureRequests,
  kUserAgent,
  kVary,
  kVia,
  kXForwardedFor,
  kXForwardedHost,
  kXForwardedProto,
  kXRealIp,
  kXRequestId,
};

// Which of them `name` is, without case.
FieldName known_field(std::string_view name);
// How it is usually written: "X-Real-IP". Empty for kOther.
std::string_view spelling(FieldName name);

// A set of them.
class FieldNames {
 public:
  constexpr FieldNames(std::initializer_list<FieldName> names) {
    for (const auto name : names) bits_ |= bit(name);
  }
  constexpr bool contains(FieldName name) const { return (bits_ & bit(name)) != 0; }
  constexpr bool intersects(FieldNames other) const { return (bits_ & other.bits_) != 0; }
  constexpr void add(FieldName name) { bits_ |= bit(name); }

 private:
  static constexpr std::uint64_t bit(FieldName name) {
    return std::uint64_t(1) << static_cast<unsigned>(name);
  }

  std::uint64_t bits_ = 0;
};

// What a connection says of itself, or how a message is framed: whoever sends a head writes these
// anew (RFC 9110 7.6.1).
inline constexpr FieldNames kFieldsOfConnection = {FieldName::kTe,
                                                   FieldName::kHost,
                                                   FieldName::kExpect,
                                                   FieldName::kUpgrade,
                                                   FieldName::kConnection,
                                                   FieldName::kKeepAlive,
                                                   FieldName::kContentLength,
                                                   FieldName::kProxyConnection,
                                                   FieldName::kTransferEncoding};

}  // namespace gatehouse::http
