// The two sides of an exchange without any protocol: a test feeds them and reads what was done to
// them, in order.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/event.h"
#include "http/stream.h"

namespace gatehouse::proxy {

using Log = std::vector<std::string>;

inline base::Chunk chunk_of(std::string_view text) {
  return base::Chunk::copy_of(base::as_bytes(text));
}

// What is still to be read on one side.
class Feed {
 public:
  explicit Feed(base::Loop& loop) : news_(loop) {}

  void put(std::string_view text) {
    pieces_.push_back(chunk_of(text));
    news_.set();
  }
  void end() {
    ended_ = true;
    news_.set();
  }
  void fail(base::Error error) {
    failed_ = base::fail(std::move(error));
    news_.set();
  }
  bool ready() const { return !failed_ || !pieces_.empty() || ended_; }

  base::Task<base::Result<base::Chunk>> read() {
    while (!ready()) {
      news_.reset();
      (void)co_await news_.wait();
    }
    if (!failed_) co_return base::fail(failed_.error());
    if (pieces_.empty()) co_return base::Chunk();
    auto piece = std::move(pieces_.front());
    pieces_.pop_front();
    co_return piece;
  }
  bool over() const { return ended_ && pieces_.empty(); }

 private:
  base::Event news_;
  std::deque<base::Chunk> pieces_;
  bool ended_ = false;
  base::Result<void> failed_;
};

inline base::Task<base::Result<void>> well() { co_return base::Result<void>(); }

inline std::string finish_text(const http::Fields& trailers) {
  std::string text = "finish";
  for (const auto& field : trailers)
    text.append(" ").append(field.name).append("=").append(field.value);
  return text;
}

class FakeServerStream final : public http::ServerStream {
 public:
  explicit FakeServerStream(base::Loop& loop) : body(loop) {}

  // As a client does that sends RST_STREAM.
  void cancel() {
    cancelled_ = true;
    body.fail(base::Error(base::Code::kReset, base::Side::kDownstream, "cancelled"));
    if (hook_ != nullptr) hook_(owner_);
  }

  const http::RequestHead& head() const override { return request; }
  base::Task<base::Result<base::Chunk>> read() override { return body.read(); }
  const http::Fields& trailers() const override { return none_; }
  bool request_ended() const override { return body.over(); }
  void stop_reading() override {
    body.fail(base::Error(base::Code::kCancelled, "nobody wants the rest"));
  }
  void when_cancelled(void (*hook)(void*), void* owner) override {
    hook_ = hook;
    owner_ = owner;
    if (cancelled_ && hook != nullptr) hook(owner);
  }
  base::Task<base::Result<void>> write_interim(const http::ResponseHead& head) override {
    log.push_back("interim " + std::to_string(head.status));
    return well();
  }
  base::Task<base::Result<void>> write_head(const http::ResponseHead& head) override {
    answered_ = true;
    log.push_back("head " + std::to_string(head.status));
    return well();
  }
  base::Task<base::Result<void>> write(base::Chunk chunk) override {
    log.push_back("write " + std::string(base::as_text(chunk.bytes())));
    return well();
  }
  base::Task<base::Result<void>> flush() override {
    log.push_back("flush");
    return well();
  }
  base::Task<base::Result<void>> finish(const http::Fields& trailers) override {
    log.push_back(finish_text(trailers));
    return well();
  }
  bool answered() const override { return answered_; }
  void reset(base::Code why) override {
    log.push_back("reset " + std::string(base::name(why)));
    body.fail(base::Error(base::Code::kCancelled, base::Side::kDownstream, "reset by us"));
  }

  http::RequestHead request;
  Feed body;
  Log log;

 private:
  http::Fields none_;
  void (*hook_)(void*) = nullptr;
  void* owner_ = nullptr;
  bool cancelled_ = false;
  bool answered_ = false;
};

class FakeClientStream final : public http::ClientStream {
 public:
  explicit FakeClientStream(base::Loop& loop) : body(loop), heads_(loop) {}

  void answer(http::ResponseHead head) {
    answers_.push_back(std::move(head));
    heads_.set();
  }
  void answer(std::uint16_t status, http::BodyKind kind = http::BodyKind::kChunked) {
    http::ResponseHead head;
    head.status = status;
    head.body = kind;
    answer(std::move(head));
    if (kind == http::BodyKind::kNone) body.end();
  }

  base::Task<base::Result<void>> send_head(const http::RequestHead& head) override {
    log.push_back("head " + std::string(head.method));
    return well();
  }
  base::Task<base::Result<void>> write(base::Chunk chunk) override {
    log.push_back("write " + std::string(base::as_text(chunk.bytes())));
    return well();
  }
  base::Task<base::Result<void>> flush() override { return well(); }
  base::Task<base::Result<void>> finish(const http::Fields& trailers) override {
    log.push_back(finish_text(trailers));
    return well();
  }
  base::Task<base::Result<http::ResponseHead>> read_head() override {
    while (answers_.empty() && !was_reset_) {
      heads_.reset();
      (void)co_await heads_.wait();
    }
    if (was_reset_) co_return base::fail(base::Code::kCancelled, base::Side::kUpstream, "reset");
    auto head = std::move(answers_.front());
    answers_.pop_front();
    co_return head;
  }
  base::Task<base::Result<base::Chunk>> read() override { return body.read(); }
  bool ready() const override { return body.ready(); }
  const http::Fields& trailers() const override { return trailing; }
  void reset() override {
    log.push_back("reset");
    was_reset_ = true;
    heads_.set();
    body.fail(base::Error(base::Code::kCancelled, base::Side::kUpstream, "reset by us"));
  }

  Feed body;
  http::Fields trailing;
  Log log;

 private:
  base::Event heads_;
  std::deque<http::ResponseHead> answers_;
  bool was_reset_ = false;
};

}  // namespace gatehouse::proxy
