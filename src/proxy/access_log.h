// The access log: one line a request, text or JSON. Workers put lines into a bounded queue; a
// thread of its own writes them in large pieces. Lines that find the queue full are counted, and
// the count is written as soon as there is room.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "config/model.h"
#include "http/message.h"

namespace gatehouse::proxy {

struct ClientFacts;
struct RequestFacts;

// What an exchange tells of itself.
struct AccessRecord {
  base::TimePoint began{};
  std::uint16_t status = 0;
  std::uint64_t body_bytes = 0;     // to the client
  std::uint64_t request_bytes = 0;  // from the client, in a body or a tunnel
  int retries = 0;
  std::string upstream;
  std::string error;
};

class AccessLog {
 public:
  static constexpr std::size_t kQueuedBytes = 4 * 1024 * 1024;

  // Opens the file. Blocks: at start. Error: kIo naming the file.
  static base::Result<std::unique_ptr<AccessLog>> open(const config::AccessLog& options, bool json);
  // Writes what is queued.
  ~AccessLog();

  // From any thread; never waits for the disk.
  void write(const AccessRecord& record, const http::RequestHead& head, const ClientFacts& peer,
             const RequestFacts& facts);

 private:
  AccessLog(int fd, bool json);
  void run();
  std::string drain();

  const int fd_;  // -1: no access log
  const bool json_;
  std::mutex mutex_;  // guards what follows, for an append
  std::condition_variable more_;
  std::string queued_;
  std::uint64_t lost_ = 0;
  bool stop_ = false;
  std::thread writer_;
};

}  // namespace gatehouse::proxy
