// The bytes of an upstream: heads (1xx too), framing rules and body, in pieces of a size that the
// input's first byte chooses.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "http/framing.h"
#include "http/http1_body.h"
#include "http/inbox.h"
#include "llhttp_opinion.h"

using namespace gatehouse::http;
namespace base = gatehouse::base;

namespace {

// Heads until the final one; false when one was refused or the bytes are used up.
bool read_heads(Inbox& inbox, Http1Head& reader, AskedFor asked, ResponseHead& head) {
  do {
    reader.restart();
    if (reader.look(inbox.bytes()) != Http1Head::Verdict::kWhole) return false;
    Persistence persistence = Persistence::kClose;
    if (read_response(reader.raw(), asked, head, persistence)) return false;
    const auto length = reader.end() - reader.begin();
    LlhttpOpinion::compare(HTTP_RESPONSE, inbox.text().substr(reader.begin(), length),
                           reader.raw());
    if (head.status < 100 || head.status > 999) std::abort();
    if (head.status == 101 && asked.upgrade.empty()) std::abort();
    if (breaks_the_line(head.reason)) std::abort();
    inbox.consume(reader.end());
  } while (head.status < 200 && head.status != 101);
  return true;
}

void read_body(Inbox& inbox, Http1Body& body, base::Bytes rest, std::size_t piece) {
  while (true) {
    const auto taken = body.take(inbox);
    if (!taken || body.ended()) return;
    if (rest.empty()) break;
    const auto n = std::min(piece, rest.size());
    std::memcpy(inbox.room(n).data(), rest.data(), n);
    inbox.filled(n);
    rest = rest.subspan(n);
  }
  if (body.end_of_input(true) && body.kind() != BodyKind::kUntilClose) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 100'000) return 0;
  AskedFor asked;
  asked.head = (data[0] & 0x80) != 0;
  if ((data[0] & 0x40) != 0) asked.upgrade = "websocket";
  const std::size_t piece = data[0] % 16 + 1;
  const base::Bytes bytes(data + 1, size - 1);
  base::BufferPool pool;
  Inbox inbox(pool);
  Http1Head reader(Http1Head::Kind::kResponse, HeadLimits(64 * 1024, 500, 0));
  ResponseHead head;
  // The head and a little of what follows at once, the rest in pieces.
  const auto text = base::as_text(bytes);
  const auto head_end = std::min(text.find("\r\n\r\n"), text.size());
  const auto first = std::min(head_end + 4 + piece, bytes.size());
  if (first != 0) {
    std::memcpy(inbox.room(first).data(), bytes.data(), first);
    inbox.filled(first);
  }
  if (!read_heads(inbox, reader, asked, head)) return 0;
  Http1Body body(base::Side::kUpstream);
  if (head.status == 101) head.body = BodyKind::kUntilClose;
  body.begin(head.body, head.content_length, 0);
  read_body(inbox, body, bytes.subspan(first), piece);
  return 0;
}
