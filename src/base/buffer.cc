#include "base/buffer.h"

#include <algorithm>
#include <new>

namespace gatehouse::base {

boost::intrusive_ptr<Buffer> Buffer::make(std::size_t size) {
  void* memory = ::operator new(sizeof(Buffer) + size);
  return boost::intrusive_ptr<Buffer>(new (memory) Buffer(nullptr, size));
}

void Buffer::give_back() {
  if (pool_ == nullptr) {
    BufferPool::free(this);
  } else {
    pool_->take_back(this);
  }
}

void BufferPool::take_back(Buffer* buffer) {
  const bool bulk = buffer->size() == kBulk;
  if (bulk) --bulk_used_;
  Idle& idle = bulk ? idle_bulk_ : idle_;
  if (idle.size() < (bulk ? most_idle_ / 8 : most_idle_)) {
    idle.push_back(buffer);
  } else {
    free(buffer);
  }
}

void BufferPool::free(Buffer* buffer) {
  buffer->~Buffer();
  ::operator delete(static_cast<void*>(buffer));
}

BufferPool::~BufferPool() { keep(0); }

void BufferPool::keep(std::size_t idle) {
  most_idle_ = idle;
  shrink(idle_, idle);
  shrink(idle_bulk_, idle / 8);
}

void BufferPool::shrink(Idle& idle, std::size_t most) {
  while (idle.size() > most) {
    free(idle.back());
    idle.pop_back();
  }
}

BufferRef BufferPool::acquire() { return acquire(idle_, kBlock); }

BufferRef BufferPool::acquire_bulk() {
  if (bulk_used_ >= most_idle_ / 2) return nullptr;
  ++bulk_used_;
  return acquire(idle_bulk_, kBulk);
}

BufferRef BufferPool::acquire(Idle& idle, std::size_t size) {
  if (!idle.empty()) {
    auto* buffer = idle.back();
    idle.pop_back();
    return BufferRef(buffer);
  }
  void* memory = ::operator new(sizeof(Buffer) + size);
  return BufferRef(new (memory) Buffer(this, size));
}

Chunk Chunk::copy_of(Bytes bytes) {
  if (bytes.empty()) return {};
  auto owner = Buffer::make(bytes.size());
  std::copy(bytes.begin(), bytes.end(), owner->data());
  Bytes copied(owner->data(), bytes.size());
  return Chunk(std::move(owner), copied);
}

}  // namespace gatehouse::base
