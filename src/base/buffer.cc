#include "base/buffer.h"

#include <algorithm>
#include <new>

namespace gatehouse::base {

boost::intrusive_ptr<Buffer> Buffer::make(std::size_t size) {
  void* memory = ::operator new(sizeof(Buffer) + size);
  return boost::intrusive_ptr<Buffer>(new (memory) Buffer(nullptr, size));
}

void Buffer::give_back() {
  if (pool_ != nullptr && pool_->idle_.size() < pool_->most_idle_) {
    pool_->idle_.push_back(this);
  } else {
    BufferPool::free(this);
  }
}

void BufferPool::free(Buffer* buffer) {
  buffer->~Buffer();
  ::operator delete(static_cast<void*>(buffer));
}

BufferPool::~BufferPool() { keep(0); }

void BufferPool::keep(std::size_t idle) {
  most_idle_ = idle;
  while (idle_.size() > idle) {
    free(idle_.back());
    idle_.pop_back();
  }
}

BufferRef BufferPool::acquire() {
  if (!idle_.empty()) {
    auto* buffer = idle_.back();
    idle_.pop_back();
    return BufferRef(buffer);
  }
  void* memory = ::operator new(sizeof(Buffer) + kBlock);
  return BufferRef(new (memory) Buffer(this, kBlock));
}

Chunk Chunk::copy_of(Bytes bytes) {
  if (bytes.empty()) return {};
  auto owner = Buffer::make(bytes.size());
  std::copy(bytes.begin(), bytes.end(), owner->data());
  Bytes copied(owner->data(), bytes.size());
  return Chunk(std::move(owner), copied);
}

}  // namespace gatehouse::base
