// What BoringSSL reads from and writes to: a BIO straight over a non-blocking socket, with one
// pooled block of read-ahead, so that a record costs one system call and not two, and one in which
// the records of a large write are collected, so that four cost one. The blocks are held only
// while they have bytes in them. For Transport alone.
#pragma once

#include <openssl/base.h>

#include <cerrno>

#include "base/buffer.h"
#include "tls/transport.h"

namespace gatehouse::tls {

inline bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

struct Transport::Wire {
  Wire(base::BufferPool& p, int f) : pool(p), fd(f) {}

  // A BIO over `wire`, which must outlive it.
  static bssl::UniquePtr<BIO> make_bio(Wire* wire);

  bool has_read_ahead() const { return begin < end; }
  // Whether a whole record, and so its plain text, has been read ahead (RFC 8446 5.1).
  bool has_record_ahead() const;
  // recv() into the read-ahead or, for plain text, what was read ahead first. -1 with errno; EAGAIN
  // without a call as long as `has_all` is known.
  ssize_t receive(std::uint8_t* into, std::size_t size);
  // While records are collected, EAGAIN means that they have to be sent first.
  ssize_t send(const std::uint8_t* from, std::size_t size);

  // From now on what is sent is kept, if a large block can be had.
  void collect() { out = pool.acquire_bulk(); }
  bool has_collected() const { return out && out_begin < out_end; }
  // Sends of it what the socket takes; false with errno.
  bool send_collected();
  void stop_collecting();

  base::BufferPool& pool;
  int fd;
  base::BufferRef ahead;
  std::size_t begin = 0;
  std::size_t end = 0;
  base::BufferRef out;  // while records are collected
  std::size_t out_begin = 0;
  std::size_t out_end = 0;
  bool streams = false;  // the last recv() has filled the block
  bool has_all = false;  // receive() has left nothing in the kernel; who knows of news resets it
  int last_error = 0;    // errno of the call that failed last, 0 after an orderly end
};

}  // namespace gatehouse::tls
