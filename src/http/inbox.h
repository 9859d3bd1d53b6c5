// Bytes that a connection has received and nobody has used yet, in one block of the loop's pool. An
// empty inbox can hand its block back, so that an idle connection holds none.
#pragma once

#include <algorithm>
#include <cstring>

#include "base/buffer.h"

namespace gatehouse::http {

// Least room for a read.
inline constexpr std::size_t kHeadRead = 2 * 1024;
inline constexpr std::size_t kBodyRead = 8 * 1024;
// Reads of bodies are for whole TLS records of this size, which they may leave in.
inline constexpr std::size_t kBodyUnit = 16 * 1024;

class Inbox {
 public:
  explicit Inbox(base::BufferPool& pool) : pool_(pool) {}

  bool empty() const { return begin_ == end_; }
  base::Bytes bytes() const { return block_ ? used() : base::Bytes(); }
  base::MutableBytes mutable_bytes() { return block_ ? used() : base::MutableBytes(); }
  std::string_view text() const { return base::as_text(bytes()); }

  // Room for at least `least` bytes behind what is there; filled() says how many came. Bytes of
  // slices that are still held elsewhere are never written over.
  base::MutableBytes room(std::size_t least) {
    body_room_ = 0;
    if (block_ && empty() && block_->unique()) begin_ = end_ = 0;
    if (!block_ || block_->size() - end_ < least) move_to_new_block(least);
    return base::MutableBytes(block_->data() + end_, block_->size() - end_);
  }
  void filled(std::size_t n) {
    end_ += n;
    streams_ = n != 0 && n == body_room_;
  }
  // The same for a part of a body: a large block after room that was filled whole.
  base::MutableBytes body_room() {
    const bool has_bulk = block_ && block_->unique() && block_->size() >= base::BufferPool::kBulk;
    if (streams_ && empty() && !has_bulk) {
      if (auto bulk = pool_.acquire_bulk()) {
        block_ = std::move(bulk);
        begin_ = end_ = 0;
      }
    }
    auto free = room(kBodyRead);
    if (free.size() > kBodyUnit) free = free.first(free.size() / kBodyUnit * kBodyUnit);
    body_room_ = free.size();
    return free;
  }
  void consume(std::size_t n) { begin_ += n; }

  // The first `n` bytes as a slice that keeps the block alive; consumes them.
  base::Chunk take(std::size_t n) {
    base::Chunk slice(block_, bytes().first(n));
    begin_ += n;
    return slice;
  }
  // A slice of the bytes that lie in this inbox's block.
  base::Chunk slice_of(base::Bytes part) const { return base::Chunk(block_, part); }

  // Gives the block back if nothing is in it.
  void release() {
    if (!empty()) return;
    block_.reset();
    begin_ = end_ = 0;
    streams_ = false;
  }
  void clear() {
    begin_ = end_;
    release();
  }

 private:
  base::MutableBytes used() const {
    return base::MutableBytes(block_->data() + begin_, end_ - begin_);
  }

  void move_to_new_block(std::size_t least) {
    const auto kept = bytes();
    const auto needed = kept.size() + least;
    auto next = needed <= base::BufferPool::kBlock
                    ? pool_.acquire()
                    : base::Buffer::make(std::max(needed, 2 * kept.size()));
    if (!kept.empty()) std::memcpy(next->data(), kept.data(), kept.size());
    end_ = kept.size();
    begin_ = 0;
    block_ = std::move(next);
  }

  base::BufferPool& pool_;
  base::BufferRef block_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t body_room_ = 0;
  bool streams_ = false;  // bodies come faster than they are read
};

}  // namespace gatehouse::http
