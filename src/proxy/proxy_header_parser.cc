#include "proxy/proxy_header_parser.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string_view>
#include <vector>

#include "proxy/proxy_header.h"

namespace gatehouse::proxy {

namespace {

constexpr std::string_view kTextStart = "PROXY ";
constexpr std::size_t kFixed = 16;  // signature, version and command, family, length
constexpr std::uint8_t kChecksumType = 0x03;

std::unexpected<base::Error> refused(std::string what) {
  return base::fail(base::Error(base::Code::kMalformed, base::Side::kDownstream,
                                "a PROXY header is needed: " + std::move(what)));
}

std::uint8_t byte_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}

std::size_t size_at(std::string_view bytes, std::size_t i) {
  return std::size_t{byte_at(bytes, i)} << 8 | byte_at(bytes, i + 1);
}

// --- version 1 ---

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (;;) {
    const auto space = line.find(' ');
    words.push_back(line.substr(0, space));
    if (space == std::string_view::npos) return words;
    line.remove_prefix(space + 1);
  }
}

bool read_port(std::string_view text, std::uint16_t& out) {
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out);
  const bool padded = text.size() > 1 && text.front() == '0';
  return !text.empty() && !padded && parsed.ec == std::errc() && parsed.ptr == end;
}

base::Result<base::Endpoint> read_end(std::string_view ip, std::string_view port, int family) {
  std::uint16_t number = 0;
  if (!read_port(port, number)) return refused("no port in its line");
  auto end = base::Endpoint::from_ip(ip, number);
  if (!end || end->family() != family || ip.starts_with('[')) {
    return refused("no address of its family in its line");
  }
  return end;
}

// --- version 2 ---

base::Endpoint v4_at(std::string_view bytes, std::size_t address, std::size_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  std::memcpy(&v4.sin_addr, bytes.data() + address, sizeof v4.sin_addr);
  std::memcpy(&v4.sin_port, bytes.data() + port, sizeof v4.sin_port);
  return base::Endpoint(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
}

base::Endpoint v6_at(std::string_view bytes, std::size_t address, std::size_t port) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  std::memcpy(&v6.sin6_addr, bytes.data() + address, sizeof v6.sin6_addr);
  std::memcpy(&v6.sin6_port, bytes.data() + port, sizeof v6.sin6_port);
  return base::Endpoint(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

// CRC-32C (RFC 9260 A) of the header with its checksum as zeros at `hole`.
std::uint32_t checksum(std::string_view bytes, std::size_t hole) {
  std::uint32_t crc = 0xffffffff;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i < hole || i >= hole + 4) crc ^= byte_at(bytes, i);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
  }
  return ~crc;
}

// What stands behind the addresses: type, length, value, again and again.
base::Result<void> check_tlvs(std::string_view bytes, std::size_t at) {
  bool checked = false;
  while (at < bytes.size()) {
    if (bytes.size() - at < 3) return refused("a TLV is cut");
    const auto size = size_at(bytes, at + 1);
    const auto value = at + 3;
    if (bytes.size() - value < size) return refused("a TLV is longer than the header");
    if (byte_at(bytes, at) == kChecksumType) {
      if (size != 4 || checked) return refused("its checksum is not one of 4 bytes");
      checked = true;
      const auto said = static_cast<std::uint32_t>(size_at(bytes, value) << 16) |
                        static_cast<std::uint32_t>(size_at(bytes, value + 2));
      if (said != checksum(bytes, value)) return refused("its checksum is wrong");
    }
    at = value + size;
  }
  return {};
}

struct Family {
  std::uint8_t code;      // address family and transport
  std::size_t addresses;  // bytes of both, with their ports
};
constexpr std::array<Family, 7> kFamilies = {
    {{0x00, 0}, {0x11, 12}, {0x12, 12}, {0x21, 36}, {0x22, 36}, {0x31, 216}, {0x32, 216}}};

}  // namespace

base::Result<std::size_t> ProxyHeaderParser::take(base::Bytes bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && !whole_) {
    bytes_ += static_cast<char>(bytes[used++]);
    if (auto looked = look(); !looked) return base::fail(std::move(looked.error()));
  }
  return used;
}

base::Result<void> ProxyHeaderParser::look() {
  const auto start = bytes_.front() == 'P' ? kTextStart : kProxyHeaderSignature;
  const auto size = std::min(bytes_.size(), start.size());
  if (std::string_view(bytes_).substr(0, size) != start.substr(0, size)) {
    return refused("something else came");
  }
  return bytes_.front() == 'P' ? look_at_text() : look_at_binary();
}

base::Result<void> ProxyHeaderParser::look_at_text() {
  if (bytes_.back() == '\n') return read_text();
  if (bytes_.size() < kMostText) return {};
  return refused("its line has more than " + std::to_string(kMostText) + " bytes");
}

base::Result<void> ProxyHeaderParser::read_text() {
  std::string_view line = bytes_;
  if (!line.ends_with("\r\n")) return refused("its line ends without CR");
  line.remove_prefix(kTextStart.size());
  line.remove_suffix(2);
  if (line.find('\r') != std::string_view::npos) return refused("a CR in its line");
  whole_ = true;
  const auto words = words_of(line);
  if (words[0] == "UNKNOWN") return {};  // what may follow is to be passed over
  const int family = words[0] == "TCP4" ? AF_INET : AF_INET6;
  if ((words[0] != "TCP4" && words[0] != "TCP6") || words.size() != 5) {
    return refused("its line is not as section 2.1 wants it");
  }
  auto from = read_end(words[1], words[3], family);
  if (!from) return base::fail(std::move(from.error()));
  auto to = read_end(words[2], words[4], family);
  if (!to) return base::fail(std::move(to.error()));
  speaker_ = Speaker::kClient;
  client_ = *from;
  return {};
}

base::Result<void> ProxyHeaderParser::look_at_binary() {
  if (bytes_.size() < kFixed) return {};
  const auto size = kFixed + size_at(bytes_, kFixed - 2);
  if (size > kMostBinary) {
    return base::fail(
        base::Error(base::Code::kTooLarge, base::Side::kDownstream,
                    "a PROXY header has more than " + std::to_string(kMostBinary) + " bytes"));
  }
  return bytes_.size() < size ? base::Result<void>() : read_binary();
}

base::Result<void> ProxyHeaderParser::read_binary() {
  whole_ = true;
  const auto command = byte_at(bytes_, 12);
  if (command >> 4 != 2 || (command & 15) > 1) return refused("no version 2, or no command of it");
  if ((command & 15) == 0) {
    speaker_ = Speaker::kProxy;  // the rest says nothing, whatever it is
    return {};
  }
  const auto code = byte_at(bytes_, 13);
  const auto* family =
      std::ranges::find_if(kFamilies, [code](const Family& one) { return one.code == code; });
  if (family == kFamilies.end()) return refused("no family of addresses");
  if (bytes_.size() - kFixed < family->addresses) return refused("its addresses are cut");
  if (code == 0) return {};
  if (auto fine = check_tlvs(bytes_, kFixed + family->addresses); !fine) return fine;
  if (code != 0x11 && code != 0x21) return {};
  speaker_ = Speaker::kClient;
  client_ = code == 0x11 ? v4_at(bytes_, kFixed, kFixed + 8) : v6_at(bytes_, kFixed, kFixed + 32);
  return {};
}

}  // namespace gatehouse::proxy
