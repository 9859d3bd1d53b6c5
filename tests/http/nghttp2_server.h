// An Http2Client on one end of a wire, a server by nghttp2 on the other, whose path says what it
// does.
#pragma once

#include <nghttp2/nghttp2.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/gate.h"
#include "http/http2_client.h"
#include "tests/http/wire.h"

namespace gatehouse::http {

struct Http2PeerOptions {
  std::uint32_t streams = 100;  // that the server allows
  bool tunnels = false;         // RFC 8441
  bool speaks = true;           // from the start; else when it is told
  bool answers_pings = true;
};

struct AskedOverHttp2 {
  std::map<std::string, std::string> fields;
  std::string body;
};

class Nghttp2Server {
 public:
  Nghttp2Server(base::Loop& loop, base::Socket& socket, const Http2PeerOptions& options)
      : socket_(socket), peer_(socket), options_(options), gate_(loop), work_(loop) {
    make_session();
    if (options.speaks) speak();
    gate_.spawn(read(), "nghttp2 server reads");
    gate_.spawn(write(), "nghttp2 server writes");
  }
  ~Nghttp2Server() { nghttp2_session_del(session_); }

  void speak() {
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.streams},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, options_.tunnels ? 1u : 0u}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 2);
    speaks_ = true;
    work_.set();
  }
  void say_raw(std::string text) { gate_.spawn(peer_.say(std::move(text)), "raw"); }
  void hang_up() {
    over_ = true;
    socket_.close();
    work_.set();
  }
  base::Task<void> end() {
    hang_up();
    (void)co_await gate_.close();
  }

  std::deque<AskedOverHttp2> requests;
  bool saw_goaway = false;

 private:
  struct Stream {
    Nghttp2Server* server = nullptr;
    std::int32_t id = 0;
    AskedOverHttp2* asked = nullptr;
    std::string path;
    std::string out;        // to be said
    bool ends = true;       // after that
    bool cut = false;       // by a reset, when all was said
    bool hangs_up = false;  // the same by the connection
    bool trailers = false;
    bool end_alone = false;  // in a frame of its own
    // Says what it hears, until the other side ends.
    bool tunnels() const { return path == "/tunnel" || path == "/forbidden"; }
  };

  static Nghttp2Server& self(void* owner) { return *static_cast<Nghttp2Server*>(owner); }

  void make_session() {
    nghttp2_session_callbacks* calls = nullptr;
    nghttp2_session_callbacks_new(&calls);
    nghttp2_session_callbacks_set_on_begin_headers_callback(calls, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(calls, header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(calls, sent);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_ping_ack(option, options_.answers_pings ? 0 : 1);
    nghttp2_session_server_new2(&session_, calls, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(calls);
  }

  // --- what comes ---

  static int begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* owner) {
    auto& server = self(owner);
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    server.requests.emplace_back();
    auto& stream = server.streams_[frame->hd.stream_id];
    stream.server = &server;
    stream.id = frame->hd.stream_id;
    stream.asked = &server.requests.back();
    nghttp2_session_set_stream_user_data(session, stream.id, &stream);
    return 0;
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* owner) {
    auto& stream = self(owner).streams_.at(frame->hd.stream_id);
    const std::string key(base::as_text(base::Bytes(name, name_size)));
    stream.asked->fields[key] = base::as_text(base::Bytes(value, value_size));
    return 0;
  }
  static int data(nghttp2_session* session, std::uint8_t, std::int32_t id,
                  const std::uint8_t* bytes, std::size_t size, void* owner) {
    auto& stream = self(owner).streams_.at(id);
    stream.asked->body += base::as_text(base::Bytes(bytes, size));
    if (!stream.tunnels()) return 0;
    stream.out += base::as_text(base::Bytes(bytes, size));
    nghttp2_session_resume_data(session, id);
    return 0;
  }
  static int frame(nghttp2_session* session, const nghttp2_frame* frame, void* owner) {
    auto& server = self(owner);
    if (frame->hd.type == NGHTTP2_GOAWAY) server.saw_goaway = true;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    auto& stream = server.streams_.at(frame->hd.stream_id);
    const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (stream.path.empty()) {
      stream.path = stream.asked->fields[":path"];
      server.begun(stream);
    }
    if (ended) server.ended(stream);
    if (ended && stream.tunnels()) {
      stream.ends = true;
      nghttp2_session_resume_data(session, stream.id);
    }
    return 0;
  }

  void begun(Stream& stream) {
    const auto reset = [&](std::uint32_t code) {
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, code);
    };
    if (stream.path == "/refuse") reset(NGHTTP2_REFUSED_STREAM);
    if (stream.path == "/reset") reset(NGHTTP2_INTERNAL_ERROR);
    if (stream.path == "/hang-up") hang_up();
    if (stream.path == "/early") respond(stream, "413", "hello");
    if (stream.path == "/goaway") {
      nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, stream.id - 2, NGHTTP2_NO_ERROR, nullptr,
                            0);
    }
    if (stream.tunnels()) {
      stream.ends = false;
      respond(stream, stream.path == "/tunnel" ? "200" : "403", "");
    }
  }
  void ended(Stream& stream) {
    const auto& path = stream.path;
    for (const auto* other : {"/refuse", "/reset", "/hang-up", "/early", "/goaway", "/tunnel",
                              "/forbidden", "/silent"}) {
      if (path == other) return;
    }
    const int hints = path == "/many-hints" ? 20 : path == "/hints-and-trailers" ? 1 : 0;
    for (int i = 0; i < hints; ++i) {
      const auto hint = field(":status", "103");
      nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, &hint, 1, nullptr);
    }
    stream.trailers = path == "/hints-and-trailers";
    stream.cut = path == "/cut";
    stream.hangs_up = path == "/die";
    stream.end_alone = path == "/empty-end";
    respond(stream, path == "/switch" ? "101" : "200", "hello", path == "/short" ? "10" : nullptr);
  }

  // --- what leaves ---

  static nghttp2_nv field(const char* name, const char* value) {
    nghttp2_nv pair{};
    pair.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name));
    pair.namelen = std::string_view(name).size();
    pair.value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value));
    pair.valuelen = std::string_view(value).size();
    return pair;
  }
  void respond(Stream& stream, const char* status, std::string body, const char* length = nullptr) {
    stream.out = std::move(body);
    std::vector<nghttp2_nv> head = {field(":status", status)};
    if (length != nullptr) head.push_back(field("content-length", length));
    nghttp2_data_provider provider{};
    provider.source.ptr = &stream;
    provider.read_callback = offer;
    nghttp2_submit_response(session_, stream.id, head.data(), head.size(), &provider);
  }
  static ssize_t offer(nghttp2_session* session, std::int32_t id, std::uint8_t* into,
                       std::size_t most, std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& stream = *static_cast<Stream*>(source->ptr);
    if (stream.out.empty() && stream.cut) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (stream.out.empty() && stream.hangs_up) stream.server->over_ = true;
    const bool waits = stream.hangs_up || !stream.ends;
    if (stream.out.empty() && waits) return NGHTTP2_ERR_DEFERRED;
    const auto n = std::min(most, stream.out.size());
    std::copy_n(stream.out.begin(), n, into);
    const bool said = n != 0;
    stream.out.erase(0, n);
    const bool goes_on = stream.cut || waits || (stream.end_alone && said);
    if (!stream.out.empty() || goes_on) return static_cast<ssize_t>(n);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream.trailers) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const auto sum = field("x-sum", "5");
      nghttp2_submit_trailer(session, id, &sum, 1);
    }
    return static_cast<ssize_t>(n);
  }
  static int sent(nghttp2_session* session, const nghttp2_frame* frame, void* owner) {
    const auto id = frame->hd.stream_id;
    const bool end =
        frame->hd.type == NGHTTP2_DATA && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    // The answer needs no more of the request (RFC 9113 8.1).
    if (end && self(owner).streams_.at(id).path == "/early") {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
    }
    return 0;
  }

  base::Task<void> read() {
    for (;;) {
      char bytes[16384];
      const auto got = ::recv(socket_.native(), bytes, sizeof bytes, 0);
      if (got > 0) {
        const auto* from = reinterpret_cast<const std::uint8_t*>(bytes);
        const auto size = static_cast<std::size_t>(got);
        if (nghttp2_session_mem_recv(session_, from, size) < 0) break;
        work_.set();
        if (over_) break;
        continue;
      }
      if (got == 0 || errno != EAGAIN) break;
      auto ready = co_await socket_.wait_readable(base::Deadline::never());
      if (!ready || over_) break;
    }
    over_ = true;
    work_.set();
  }
  base::Task<void> write() {
    for (;;) {
      std::string out;
      const std::uint8_t* bytes = nullptr;
      for (ssize_t n = 1; speaks_ && n > 0;) {
        n = nghttp2_session_mem_send(session_, &bytes);
        if (n > 0) out += base::as_text(base::Bytes(bytes, static_cast<std::size_t>(n)));
      }
      if (!out.empty() && socket_.is_open()) co_await peer_.say(std::move(out));
      if (over_) break;
      work_.reset();
      if (speaks_ && nghttp2_session_want_write(session_) != 0) continue;
      (void)co_await work_.wait();
    }
    socket_.close();
  }

  base::Socket& socket_;
  RawPeer peer_;
  Http2PeerOptions options_;
  base::Gate gate_;
  base::Event work_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Stream> streams_;
  bool speaks_ = false;
  bool over_ = false;
};

class Http2Pair {
 public:
  explicit Http2Pair(base::Loop& loop, const Http2PeerOptions& peer = Http2PeerOptions(),
                     const Http2Options& options = client_options())
      : wire(loop),
        client(tls::Transport(std::move(wire.ours)), options),
        server(loop, wire.theirs, peer),
        loop_(loop),
        over_(loop),
        changed_(loop) {
    client.when_changed([](void* pair) { static_cast<Http2Pair*>(pair)->changed_.set(); }, this);
    loop.spawn(run(), "HTTP/2 client");
  }
  ~Http2Pair() {
    client.close();
    run_task(loop_, until_over());
    run_task(loop_, server.end());
  }

  static Http2Options client_options() {
    Http2Options options;
    options.head = HeadLimits{64 * 1024, 500, 0};
    return options;
  }

  base::Task<void> until_ready() {
    while (!client.ready()) {
      changed_.reset();
      (void)co_await changed_.wait();
    }
  }
  base::Task<void> until_over() { (void)co_await over_.wait(); }

  Wire wire;
  Http2Client client;
  Nghttp2Server server;

 private:
  base::Task<void> run() {
    co_await client.run();
    over_.set();
  }

  base::Loop& loop_;
  base::Event over_;
  base::Event changed_;
};

}  // namespace gatehouse::http
