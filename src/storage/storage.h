// Where accounts, keys and certificates outlive the process: records under keys, and leases that
// keep two processes from doing the same work at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/loop.h"

namespace gatehouse::storage {

// A key: segments of [A-Za-z0-9._*-] joined by "/", 512 bytes at most, no segment "." or "..",
// e.g. "certificates/internal/shop.example.com".
bool is_key(std::string_view key);

// The right to do one piece of work, held by at most one process at a time. Given back by its
// destructor at the latest, and by the death of the process. Movable.
class Lease {
 public:
  // What holds the lease in a storage; its destructor gives it back without waiting.
  class Hold {
   public:
    virtual ~Hold() = default;
  };

  Lease() = default;
  Lease(std::uint64_t token, std::unique_ptr<Hold> hold) : token_(token), hold_(std::move(hold)) {}

  explicit operator bool() const { return hold_ != nullptr; }
  // Higher than the token of every earlier holder of this lease: a later holder can be told from
  // an earlier one.
  std::uint64_t token() const { return token_; }
  void release() { hold_.reset(); }

 private:
  std::uint64_t token_ = 0;
  std::unique_ptr<Hold> hold_;
};

// All calls on one loop's thread; they wait asynchronously. Errors have side kStorage and name the
// key (and file): kNotFound, kDamaged, kIo, kDenied, kMalformed for a key outside the grammar.
class Storage {
 public:
  static constexpr std::size_t kLargestRecord = 1024 * 1024;  // bytes
  static constexpr std::size_t kMostSegments = 256;

  virtual ~Storage() = default;

  // The record. kDamaged when it fails its check: set_aside() it, then act as if it were not there.
  virtual base::Task<base::Result<std::string>> load(std::string key) = 0;
  // Writes a record whole: when this returns well it survives a power cut; when it does not, the
  // old record stands as it was. kTooLarge over kLargestRecord.
  virtual base::Task<base::Result<void>> store(std::string key, std::string record) = 0;
  // Removes a record; well also when there was none.
  virtual base::Task<base::Result<void>> remove(std::string key) = 0;
  // Moves a damaged record out of the way and keeps it for a person to look at. Returns where.
  virtual base::Task<base::Result<std::string>> set_aside(std::string key) = 0;
  // The segments that longer keys go on with after `prefix` (of "certificates": "internal"),
  // sorted; at most kMostSegments.
  virtual base::Task<base::Result<std::vector<std::string>>> segments(std::string prefix) = 0;
  // Keys one segment below `prefix` (of "certificates/internal": "certificates/internal/a.example")
  // in an order of the storage's own, at most `most` of them, after `cursor` (the last key of the
  // call before; empty: from the start). Fewer than `most`: that was the end.
  virtual base::Task<base::Result<std::vector<std::string>>> list(std::string prefix,
                                                                  std::string cursor,
                                                                  std::size_t most) = 0;
  // Waits for the lease called `name` (a key) until `deadline`. kTimeout when another holds it.
  virtual base::Task<base::Result<Lease>> lease(std::string name, base::Deadline deadline) = 0;
};

}  // namespace gatehouse::storage
