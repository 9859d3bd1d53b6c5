// What BoringSSL reads from and writes to: a BIO straight over a non-blocking socket, with one
// pooled block of read-ahead, so that a record costs one system call and not two. The block is
// held only while it has bytes in it. For Transport alone.
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
  // recv() into the read-ahead or, for plain text, what was read ahead first. -1 with errno.
  ssize_t receive(std::uint8_t* into, std::size_t size);
  ssize_t send(const std::uint8_t* from, std::size_t size);

  base::BufferPool& pool;
  int fd;
  base::BufferRef ahead;
  std::size_t begin = 0;
  std::size_t end = 0;
  bool has_all = false;  // receive() has left nothing in the kernel
  int last_error = 0;    // errno of the call that failed last, 0 after an orderly end
};

}  // namespace gatehouse::tls
