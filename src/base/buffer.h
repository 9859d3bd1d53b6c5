// Memory for bytes in flight: pooled blocks of one size a loop, shared by counting, and slices of
// them. Nothing here is thread-safe: a block belongs to the loop whose pool made it.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace gatehouse::base {

class BufferPool;

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A counted block of memory. Made by a pool, or by `make` for odd sizes.
class Buffer {
 public:
  // A block outside any pool, of exactly `size` bytes.
  static boost::intrusive_ptr<Buffer> make(std::size_t size);

  std::uint8_t* data() { return reinterpret_cast<std::uint8_t*>(this + 1); }
  std::size_t size() const { return size_; }
  // Whether this is the only reference, so that the block may be written again.
  bool unique() const { return references_ == 1; }

 private:
  friend class BufferPool;
  friend void intrusive_ptr_add_ref(Buffer* b) { ++b->references_; }
  friend void intrusive_ptr_release(Buffer* b) {
    if (--b->references_ == 0) b->give_back();
  }
  Buffer(BufferPool* pool, std::size_t size) : pool_(pool), size_(size) {}
  void give_back();

  BufferPool* pool_;
  std::size_t size_;
  std::uint32_t references_ = 0;
};

using BufferRef = boost::intrusive_ptr<Buffer>;

// A loop's blocks of kBlock bytes, and of kBulk for streams that fill more than a block at once:
// larger reads and writes are fewer system calls. Keeps some of them for reuse, up to kIdle (and an
// eighth as many large ones) if nobody says otherwise, and frees the rest.
class BufferPool {
 public:
  static constexpr std::size_t kBlock = 16 * 1024 + 512;  // a whole TLS record and its head
  static constexpr std::size_t kBulk = 64 * 1024 + 512;   // four of them
  static constexpr std::size_t kIdle = 256;               // 6 MiB a worker at most lie idle
  static constexpr std::size_t kIdleIfShort = 16;         // where memory is short

  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  BufferRef acquire();
  // A large block; null while half as many are in use as small ones may lie idle (128: 8 MiB a
  // worker). Then the small ones do.
  BufferRef acquire_bulk();
  // Of blocks that are free from now on so many are kept, and of those that are free now.
  void keep(std::size_t idle);

 private:
  friend class Buffer;
  using Idle = std::vector<Buffer*>;

  BufferRef acquire(Idle& idle, std::size_t size);
  void take_back(Buffer* buffer);
  static void shrink(Idle& idle, std::size_t most);
  static void free(Buffer* buffer);

  Idle idle_;
  Idle idle_bulk_;
  std::size_t bulk_used_ = 0;
  std::size_t most_idle_ = kIdle;
};

// A slice of a block, kept alive by it; or of memory that outlives the program (`of_static`).
// Cheap to copy within one thread. Empty means "no bytes".
class Chunk {
 public:
  Chunk() = default;
  Chunk(BufferRef owner, Bytes bytes) : owner_(std::move(owner)), bytes_(bytes) {}
  static Chunk of_static(std::string_view text) { return Chunk(nullptr, as_bytes(text)); }
  static Chunk copy_of(Bytes bytes);

  Bytes bytes() const { return bytes_; }
  const std::uint8_t* data() const { return bytes_.data(); }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  void drop_front(std::size_t n) { bytes_ = bytes_.subspan(n); }
  void keep_front(std::size_t n) { bytes_ = bytes_.first(n); }

 private:
  BufferRef owner_;
  Bytes bytes_;
};

}  // namespace gatehouse::base
