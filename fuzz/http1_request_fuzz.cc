// The bytes of a client: head, framing rules and body, fed whole and in pieces of a size
// that the input's first byte chooses. Both ways must see the same requests, and llhttp the same
// heads.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "http/framing.h"
#include "http/http1_body.h"
#include "http/inbox.h"
#include "llhttp_opinion.h"

namespace gatehouse::http {
namespace {

class Reader {
 public:
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
    const auto verdict = reader_.look(inbox_.bytes());
    if (verdict == Http1Head::Verdict::kMore) return false;
    if (verdict == Http1Head::Verdict::kRefused) return refuse(reader_.refusal());
    Persistence persistence = Persistence::kClose;
    const auto refusal = read_request(reader_.raw(), head_, persistence);
    if (refusal) return refuse(refusal);
    const auto length = reader_.end() - reader_.begin();
    LlhttpOpinion::compare(HTTP_REQUEST, inbox_.text().substr(reader_.begin(), length),
                           reader_.raw());
    if (head_.target.empty() || (head_.target[0] != '/' && head_.target != "*")) std::abort();
    if (head_.fields.has("Host") || head_.fields.has("Content-Length")) std::abort();
    for (const auto* part : {&head_.method, &head_.target, &head_.authority, &head_.normal_path}) {
      told_.append(*part).append(" ");
    }
    for (const auto& field : head_.fields) {
      if (field.value.find_first_of("\r\n") != std::string::npos) std::abort();
      tell(field);
    }
    if (!head_.upgrade.empty() && head_.body != BodyKind::kNone) std::abort();
    told_.append("\n").append(head_.upgrade).append("\n\n");
    inbox_.consume(reader_.end());
    reader_.restart();
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
    for (const auto& field : body_.trailers()) tell(field);
    told_ += "\n.\n";
    in_body_ = false;
    return true;
  }

  void tell(const Field& field) {
    told_.append("\n").append(field.name).append(": ").append(field.value);
  }

  bool refuse(const Refusal&) {
    told_ += "refused";
    over_ = true;
    return false;
  }

  base::BufferPool pool_;
  Inbox inbox_{pool_};
  Http1Head reader_{Http1Head::Kind::kRequest, HeadLimits()};
  Http1Body body_{base::Side::kDownstream};
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
