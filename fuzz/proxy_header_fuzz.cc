// A PROXY header, in pieces of a size that the input's first byte chooses: what it says, and where
// it ends, must not depend on the pieces.
#include "proxy/proxy_header_parser.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using gatehouse::proxy::ProxyHeaderParser;
namespace base = gatehouse::base;

namespace {

struct Outcome {
  bool refused = false;
  std::size_t used = 0;
  ProxyHeaderParser header;
};

Outcome read(base::Bytes bytes, std::size_t piece) {
  Outcome outcome;
  while (outcome.used < bytes.size() && !outcome.header.whole()) {
    const auto rest = bytes.subspan(outcome.used);
    const auto size = std::min(piece, rest.size());
    const auto used = outcome.header.take(rest.first(size));
    outcome.refused = !used;
    if (!used) break;
    if (*used > size || (*used < size && !outcome.header.whole())) std::abort();
    outcome.used += *used;
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 100'000) return 0;
  const base::Bytes bytes(data + 1, size - 1);
  const auto whole = read(bytes, bytes.size());
  const auto pieces = read(bytes, data[0] % 64 + 1);
  if (whole.refused != pieces.refused) std::abort();
  if (whole.refused) return 0;
  if (whole.used != pieces.used || whole.used > ProxyHeaderParser::kMostBinary) std::abort();
  if (whole.header.whole() != pieces.header.whole()) std::abort();
  if (!whole.header.whole()) return 0;
  if (whole.header.speaker() != pieces.header.speaker()) std::abort();
  const bool names = whole.header.speaker() == ProxyHeaderParser::Speaker::kClient;
  if (names != whole.header.client().is_ip()) std::abort();
  if (!(whole.header.client() == pieces.header.client())) std::abort();
  return 0;
}
