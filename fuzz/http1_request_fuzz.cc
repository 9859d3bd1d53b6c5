// The bytes of a client: guard, parser, framing rules and body, fed whole and in pieces of a size
// that the input's first byte chooses. Both ways must see the same requests.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "http/framing.h"
#include "http/http1_body.h"
#include "http/http1_parser.h"
#include "http/inbox.h"

namespace gatehouse::http {
namespace {

class Reader {
 public:
  Reader() : parser_(HeadGuard::Kind::kRequest), body_(parser_, base::Side::kDownstream) {}

  // What has been read of `bytes`, told as text; ends at the first refusal.
  std::string read(base::Bytes bytes, std::size_t piece) {
    while (!bytes.empty() && !over_) {
      const auto n = std::min(piece, bytes.size());
      const auto room = inbox_.room(n);
      std::memcpy(room.data(), bytes.data(), n);
      inbox_.filled(n);
      bytes = bytes.subspan(n);
      step();
    }
    return told_;
  }

 private:
  void step() {
    for (bool more = true; more && !over_;) more = in_body_ ? read_body() : read_head();
  }

  bool read_head() {
    if (inbox_.empty()) return false;
    const auto verdict = guard_.look(inbox_.bytes());
    if (verdict == HeadGuard::Verdict::kMore) return false;
    if (verdict == HeadGuard::Verdict::kRefused) return refuse(guard_.refusal());
    const auto raw = inbox_.bytes().subspan(guard_.begin(), guard_.end() - guard_.begin());
    if (!parser_.parse_head(raw)) return refuse(Refusal(400, "parser"));
    Persistence persistence = Persistence::kClose;
    const auto refusal = read_request(parser_.head(), head_, persistence);
    if (refusal) return refuse(refusal);
    if (head_.target.empty() || (head_.target[0] != '/' && head_.target != "*")) std::abort();
    if (head_.fields.find("Host") || head_.fields.find("Content-Length")) std::abort();
    told_ += head_.method + " " + head_.target + " " + head_.authority + " " + head_.normal_path;
    for (const auto& field : head_.fields) {
      if (field.value.find_first_of("\r\n") != std::string::npos) std::abort();
      told_ += "\n" + field.name + ": " + field.value;
    }
    if (!head_.upgrade.empty() && head_.body != BodyKind::kNone) std::abort();
    told_ += "\n" + head_.upgrade + "\n\n";
    inbox_.consume(guard_.end());
    guard_.restart();
    body_.begin(head_.body, head_.content_length, 100'000);
    in_body_ = true;
    return true;
  }

  bool read_body() {
    const auto taken = body_.take(inbox_);
    if (!taken) {
      told_ += "bad body";
      over_ = true;
      return false;
    }
    told_ += base::as_text(taken->bytes());
    if (!body_.ended()) return false;
    for (const auto& field : body_.trailers()) told_ += "\n" + field.name + ": " + field.value;
    told_ += "\n.\n";
    in_body_ = false;
    return true;
  }

  bool refuse(const Refusal&) {
    told_ += "refused";
    over_ = true;
    return false;
  }

  base::BufferPool pool_;
  Inbox inbox_{pool_};
  HeadGuard guard_{HeadGuard::Kind::kRequest, HeadLimits()};
  Http1Parser parser_;
  Http1Body body_;
  RequestHead head_;
  std::string told_;
  bool in_body_ = false;
  bool over_ = false;
};

// In one call llhttp may hand out the data in front of an error, or refuse all at once; what was
// read up to there must agree.
void compare(const std::string& whole, const std::string& pieces) {
  if (whole == pieces) return;
  const bool both_bad = whole.ends_with("bad body") && pieces.ends_with("bad body");
  if (!both_bad || !pieces.starts_with(whole.substr(0, whole.size() - 8))) std::abort();
}

}  // namespace
}  // namespace gatehouse::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 60'000) return 0;
  const std::size_t piece = data[0] % 16 + 1;
  const gatehouse::base::Bytes bytes(data + 1, size - 1);
  gatehouse::http::Reader whole;
  gatehouse::http::Reader pieces;
  gatehouse::http::compare(whole.read(bytes, 1 << 20), pieces.read(bytes, piece));
  return 0;
}
