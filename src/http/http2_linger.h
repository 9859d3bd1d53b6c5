// Requests on an HTTP/2 server's connection that were answered before they have come whole: what
// still comes is dropped, within bounds, and only then does RST_STREAM(NO_ERROR) say that nobody
// wants it (RFC 9113 8.1). Some clients take it for a failure when it comes right behind the
// answer.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/recycled.h"

namespace gatehouse::http {

class Http2Linger {
 public:
  // Of each stream: what comes after its answer, and for how long; as much as in HTTP/1.1.
  static constexpr std::size_t kBytes = 256 * 1024;
  static constexpr base::Duration kTime{2'000};
  static constexpr std::size_t kMost = 1'000;  // streams at once, should nothing else limit them

  // A stream whose response has ended, and whose request has not. False when there is no room.
  bool add(std::int32_t id);
  // `size` bytes more have come. True, once, when that was too much: it is no longer one of these.
  bool dropped(std::int32_t id, std::size_t size);
  // Forgets a stream, which need not be here. Whether it was.
  bool remove(std::int32_t id);
  // A stream whose time is over, no longer one of these; 0 when there is none.
  std::int32_t take_late(base::TimePoint now);

  std::size_t size() const { return streams_.size(); }
  // When take_late() will have one.
  base::Deadline deadline() const;

 private:
  struct Stream {
    std::int32_t id;
    std::size_t dropped;
    base::TimePoint until;
  };
  base::RecycledList<Stream> streams_;  // in the order of `until`
};

}  // namespace gatehouse::http
