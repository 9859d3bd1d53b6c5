#include "http/http2_callbacks.h"

#include <nghttp2/nghttp2.h>

#include <string_view>

#include "http/http2_memory.h"
#include "http/http2_session.h"

namespace gatehouse::http {

namespace {

Http2Session& self(void* owner) { return *static_cast<Http2Session*>(owner); }

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return base::as_text(base::Bytes(bytes, size));
}

// Codes by which we tell the peer that it did wrong.
bool blames_peer(std::uint32_t code) {
  return code != NGHTTP2_NO_ERROR && code != NGHTTP2_CANCEL && code != NGHTTP2_INTERNAL_ERROR;
}

// Those that say of a request that there were too many, or of an upstream's answer that it had too
// much to do, are no fault of its sender.
Http2Floods::Reset kind_of(std::uint32_t code) {
  const bool too_much = code == NGHTTP2_REFUSED_STREAM || code == NGHTTP2_ENHANCE_YOUR_CALM;
  return too_much ? Http2Floods::Reset::kOther : Http2Floods::Reset::kFault;
}

}  // namespace

// --- what comes ---

struct Http2Callbacks::Receive {
  using Kind = Http2Floods::Kind;

  static Http2Stream* find(nghttp2_session* session, std::int32_t id) {
    return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }

  // Before a frame is checked: also those that are refused or ignored cost something.
  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* owner) {
    switch (head->type) {
      case NGHTTP2_SETTINGS:
        if ((head->flags & NGHTTP2_FLAG_ACK) == 0) self(owner).count(Kind::kSettings);
        break;
      case NGHTTP2_PING:
        if ((head->flags & NGHTTP2_FLAG_ACK) == 0) self(owner).count(Kind::kPing);
        break;
      case NGHTTP2_WINDOW_UPDATE: self(owner).count(Kind::kWindowUpdate); break;
      case NGHTTP2_DATA:
        if (head->length == 0) ++self(owner).empty_heard_;
        if ((head->flags & NGHTTP2_FLAG_END_STREAM) != 0) self(owner).lingered(head->stream_id);
        break;
      case NGHTTP2_HEADERS:
        self(owner).late_head(head->stream_id);
        if ((head->flags & NGHTTP2_FLAG_END_STREAM) != 0) self(owner).lingered(head->stream_id);
        break;
      case NGHTTP2_RST_STREAM: break;
      default: self(owner).count(Kind::kPriority); break;  // and what nobody knows
    }
    return 0;
  }

  static int unknown_frame(nghttp2_session*, void**, const nghttp2_frame_hd*, void*) {
    return NGHTTP2_ERR_CANCEL;  // ignored (RFC 9113 5.5)
  }

  static int begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* owner) {
    auto& s = self(owner);
    const auto id = frame->hd.stream_id;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      s.floods_.stream_opened();
      s.newest_stream_ = id;
      auto* const stream = s.hooks_.begun(s.hooks_.owner, id);
      if (stream == nullptr) {
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
        return 0;
      }
      nghttp2_session_set_stream_user_data(session, id, stream);
    }
    s.assembling_ = id;
    s.head_began_ = s.now_;
    s.head_.clear();
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* owner) {
    auto& s = self(owner);
    if (frame->hd.stream_id != s.assembling_) return 0;
    if (!s.head_.add(text(name, name_size), text(value, value_size))) {
      s.flooded(base::Abuse::kHeadTooLarge);
    }
    return 0;
  }

  // A field that makes its message malformed (RFC 9113 8.1.1); else nghttp2 would only drop it.
  static int invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*,
                            std::size_t, const std::uint8_t*, std::size_t, std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static void end_headers(Http2Session& s, nghttp2_session* session, const nghttp2_frame* frame) {
    const auto id = frame->hd.stream_id;
    auto* const stream = find(session, id);
    const bool ours = std::exchange(s.assembling_, 0) == id;
    if (stream == nullptr || !ours) return;
    const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    const bool trailers = frame->headers.cat == NGHTTP2_HCAT_HEADERS && s.head_.status.empty();
    if (!trailers) {
      s.hooks_.head(s.hooks_.owner, *stream, s.head_, ended);
    } else if (!s.head_.whole()) {
      s.blame(base::Abuse::kHeadTooLarge);
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_ENHANCE_YOUR_CALM);
      return;
    } else {
      stream->trailers_came(std::move(s.head_.fields));
    }
    if (ended) stream->input_ended();
  }

  static int frame(nghttp2_session* session, const nghttp2_frame* frame, void* owner) {
    auto& s = self(owner);
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS: end_headers(s, session, frame); break;
      case NGHTTP2_DATA: {
        const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        // One that ends its stream is how many end a body: as many as there are streams.
        if (frame->hd.length == frame->data.padlen && !ended) s.count(Kind::kEmptyData);
        auto* const stream = find(session, frame->hd.stream_id);
        if (stream != nullptr && ended) stream->input_ended();
        break;
      }
      case NGHTTP2_RST_STREAM: s.reset_came(frame->hd.stream_id); break;
      case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) s.ping_answered();
        break;
      case NGHTTP2_SETTINGS:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0 && s.hooks_.settings != nullptr) {
          s.hooks_.settings(s.hooks_.owner);
        }
        break;
      case NGHTTP2_GOAWAY:
        if (s.hooks_.going_away != nullptr) {
          s.hooks_.going_away(s.hooks_.owner, frame->goaway.last_stream_id);
        }
        break;
      default: break;
    }
    return 0;
  }

  static int data(nghttp2_session* session, std::uint8_t, std::int32_t id,
                  const std::uint8_t* bytes, std::size_t size, void* owner) {
    auto* const stream = find(session, id);
    if (stream == nullptr) {
      self(owner).drop(id, size);
      return 0;
    }
    base::Chunk piece = self(owner).input_;
    piece.drop_front(static_cast<std::size_t>(bytes - piece.data()));
    piece.keep_front(size);
    stream->data_came(piece);
    return 0;
  }

  static int stream_closed(nghttp2_session* session, std::int32_t id, std::uint32_t code,
                           void* owner) {
    auto& s = self(owner);
    if (s.assembling_ == id) s.assembling_ = 0;
    s.linger_.remove(id);
    s.last_words_.remove(id);
    const bool cut = std::exchange(s.cut_by_peer_, 0) == id;
    if (code == NGHTTP2_NO_ERROR && !cut) s.floods_.stream_ended_well();
    auto* const stream = find(session, id);
    if (stream == nullptr) return 0;
    nghttp2_session_set_stream_user_data(session, id, nullptr);
    stream->closed(code);
    return 0;
  }
};

// --- what leaves ---

struct Http2Callbacks::Send {
  static constexpr std::size_t kFrameHead = 9;

  // How much of a body may leave now.
  static ssize_t offer(nghttp2_session* session, std::int32_t id, std::uint8_t*, std::size_t most,
                       std::uint32_t* flags, nghttp2_data_source*, void* owner) {
    auto* const stream = Receive::find(session, id);
    if (stream != nullptr) return stream->offer(most, flags);
    const auto last = self(owner).last_words_.offer(id, most);
    if (last == 0) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return static_cast<ssize_t>(last);
  }

  static int data(nghttp2_session* session, nghttp2_frame* frame, const std::uint8_t* head,
                  std::size_t size, nghttp2_data_source*, void* owner) {
    auto* const stream = Receive::find(session, frame->hd.stream_id);
    auto& s = self(owner);
    s.output_.append(base::Bytes(head, kFrameHead));
    if (stream != nullptr) {
      stream->take(size, s.output_);
    } else {
      s.say_last(frame->hd.stream_id, size);
    }
    s.sent_ += size;
    return 0;
  }

  static int frame(nghttp2_session* session, const nghttp2_frame* frame, void* owner) {
    auto& s = self(owner);
    const auto type = frame->hd.type;
    if (type == NGHTTP2_RST_STREAM) {
      const auto code = frame->rst_stream.error_code;
      if (blames_peer(code)) s.count_reset(kind_of(code));
      return 0;
    }
    if (type == NGHTTP2_GOAWAY) {
      if (frame->goaway.error_code != NGHTTP2_NO_ERROR) s.blamed_ = true;
      // The answer says that the notice has come. Not queued with it: nghttp2 sends PINGs first.
      if (s.announced_ && !s.gone_) s.ping();
    }
    if (type == NGHTTP2_DATA) s.floods_.data_sent();
    if (type != NGHTTP2_DATA && type != NGHTTP2_HEADERS) return 0;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
      if (type == NGHTTP2_HEADERS) s.say_last(frame->hd.stream_id, 0);
      return 0;
    }
    auto* const stream = Receive::find(session, frame->hd.stream_id);
    if (stream != nullptr) stream->end_was_sent();
    return 0;
  }

  // Our own frame could not be sent: a request after GOAWAY, or out of stream ids.
  static int not_sent(nghttp2_session*, const nghttp2_frame* frame, int, void* owner) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    for (auto& stream : self(owner).streams_) {
      if (stream.id() != frame->hd.stream_id) continue;
      stream.closed(NGHTTP2_REFUSED_STREAM);
      break;
    }
    return 0;
  }
};

void Http2Callbacks::submit_response(nghttp2_session* session, std::int32_t id,
                                     const Http2Block& head, bool body) {
  nghttp2_data_provider provider{};
  provider.read_callback = Send::offer;
  nghttp2_submit_response(session, id, head.data(), head.size(), body ? &provider : nullptr);
}

void Http2Callbacks::submit_interim(nghttp2_session* session, std::int32_t id,
                                    const Http2Block& head) {
  nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, id, nullptr, head.data(), head.size(),
                         nullptr);
}

std::int32_t Http2Callbacks::submit_request(nghttp2_session* session, Http2Stream& stream,
                                            const Http2Block& head, bool body) {
  nghttp2_data_provider provider{};
  provider.read_callback = Send::offer;
  const auto id = nghttp2_submit_request(session, nullptr, head.data(), head.size(),
                                         body ? &provider : nullptr, &stream);
  return id > 0 ? id : 0;
}

nghttp2_session* Http2Callbacks::make(Http2Session& owner) {
  struct Tables {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_option* option = nullptr;
  };
  // Immutable, and the same for all sessions of the process.
  static const Tables tables = [] {
    Tables t;
    nghttp2_session_callbacks_new(&t.callbacks);
    auto* const c = t.callbacks;
    nghttp2_session_callbacks_set_on_begin_frame_callback(c, Receive::begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, Receive::begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, Receive::header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(c, Receive::invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, Receive::frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, Receive::data);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, Receive::stream_closed);
    nghttp2_session_callbacks_set_unpack_extension_callback(c, Receive::unknown_frame);
    nghttp2_session_callbacks_set_send_data_callback(c, Send::data);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, Send::frame);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(c, Send::not_sent);
    nghttp2_option_new(&t.option);
    nghttp2_option_set_no_auto_window_update(t.option, 1);
    nghttp2_option_set_no_closed_streams(t.option, 1);
    nghttp2_option_set_builtin_recv_extension_type(t.option, NGHTTP2_PRIORITY_UPDATE);
    // Frames that nobody knows are not understood, but counted.
    for (int type = NGHTTP2_CONTINUATION + 1; type <= UINT8_MAX; ++type) {
      if (type == NGHTTP2_PRIORITY_UPDATE) continue;
      nghttp2_option_set_user_recv_extension_type(t.option, static_cast<std::uint8_t>(type));
    }
    return t;
  }();
  nghttp2_session* made = nullptr;
  if (owner.is_server()) {
    nghttp2_session_server_new3(&made, tables.callbacks, &owner, tables.option, http2_memory());
  } else {
    nghttp2_session_client_new3(&made, tables.callbacks, &owner, tables.option, http2_memory());
  }
  return made;
}

}  // namespace gatehouse::http
