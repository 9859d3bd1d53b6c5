#include "proxy/access_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "base/log.h"
#include "proxy/client_facts.h"
#include "proxy/request_facts.h"

namespace gatehouse::proxy {

namespace {

using base::log::append_json_string;

std::string timestamp() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  char text[40];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", std::string_view(text, size), now.tv_nsec / 1'000'000);
}

std::int64_t micros_since(base::TimePoint began) {
  return std::chrono::duration_cast<std::chrono::microseconds>(base::Clock::now() - began).count();
}

void add_text(std::string& line, std::string_view key, std::string_view value) {
  line += ",\"";
  line += key;
  line += "\":";
  append_json_string(line, value);
}

void add_number(std::string& line, std::string_view key, std::int64_t value) {
  line += ",\"";
  line += key;
  line += "\":";
  line += std::to_string(value);
}

std::string_view protocol_name(http::Version version) {
  switch (version) {
    case http::Version::kHttp10: return "HTTP/1.0";
    case http::Version::kHttp11: return "HTTP/1.1";
    case http::Version::kHttp2: return "HTTP/2.0";
  }
  return "HTTP/1.1";
}

std::string json_line(const AccessRecord& record, const http::RequestHead& head,
                      const ClientFacts& peer, const RequestFacts& facts) {
  std::string line = "{\"time\":\"" + timestamp() + "\"";
  add_text(line, "client_ip", facts.client_ip);
  if (facts.client_ip != std::string_view(peer.ip)) add_text(line, "peer_ip", peer.ip);
  add_text(line, "protocol", protocol_name(head.version));
  add_text(line, "scheme", facts.scheme());
  if (!peer.server_name.empty()) add_text(line, "sni", peer.server_name);
  if (!peer.certificate_sha256.empty()) {
    add_text(line, "client_cert_sha256", peer.certificate_sha256);
  }
  add_text(line, "method", head.method);
  add_text(line, "host", head.authority);
  add_text(line, "uri", head.target);
  add_number(line, "status", record.status);
  add_number(line, "body_bytes", static_cast<std::int64_t>(record.body_bytes));
  if (record.request_bytes > 0) {
    add_number(line, "request_bytes", static_cast<std::int64_t>(record.request_bytes));
  }
  add_number(line, "duration_us", micros_since(record.began));
  if (!record.upstream.empty()) add_text(line, "upstream", record.upstream);
  if (record.retries > 0) add_number(line, "retries", record.retries);
  add_text(line, "request_id", facts.request_id);
  if (!facts.trace_id.empty()) add_text(line, "trace_id", facts.trace_id);
  if (!record.error.empty()) add_text(line, "error", record.error);
  return line + "}\n";
}

// One line for people: who, what, how it ended, how long it took.
std::string text_line(const AccessRecord& record, const http::RequestHead& head,
                      const ClientFacts& peer, const RequestFacts& facts) {
  std::string request = fmt::format("{} {}://{}{} {}", head.method, facts.scheme(), head.authority,
                                    head.target, protocol_name(head.version));
  std::string line = timestamp();
  line.append(" ").append(facts.client_ip).append(" ");
  append_json_string(line, request);
  line += " " + std::to_string(record.status) + " " + std::to_string(record.body_bytes) + "B " +
          std::to_string(micros_since(record.began)) + "us";
  if (record.request_bytes > 0) line += " received=" + std::to_string(record.request_bytes) + "B";
  if (!record.upstream.empty()) line += " upstream=" + record.upstream;
  if (!record.error.empty()) {
    line += " error=";
    append_json_string(line, record.error);
  }
  if (!peer.certificate_sha256.empty()) line += " client_cert_sha256=" + peer.certificate_sha256;
  return line.append(" id=").append(facts.request_id).append("\n");
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // a full disk must not stop the proxy
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

base::Result<std::unique_ptr<AccessLog>> AccessLog::open(const config::AccessLog& options,
                                                         bool json) {
  int fd = -1;
  if (options.enabled && options.file.empty()) {
    fd = ::dup(STDOUT_FILENO);
  } else if (options.enabled) {
    fd = ::open(options.file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0) {
      return base::fail(
          base::from_errno(errno, base::Side::kLocal, "open the access log " + options.file));
    }
  }
  return std::unique_ptr<AccessLog>(new AccessLog(fd, json));
}

AccessLog::AccessLog(int fd, bool json) : fd_(fd), json_(json) {
  if (fd_ >= 0) writer_ = std::thread([this] { run(); });
}

AccessLog::~AccessLog() {
  if (fd_ < 0) return;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  more_.notify_one();
  writer_.join();
  ::close(fd_);
}

void AccessLog::write(const AccessRecord& record, const http::RequestHead& head,
                      const ClientFacts& peer, const RequestFacts& facts) {
  if (fd_ < 0) return;
  const auto line =
      json_ ? json_line(record, head, peer, facts) : text_line(record, head, peer, facts);
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    if (queued_.size() + line.size() > kQueuedBytes) {
      ++lost_;
      return;
    }
    first = queued_.empty();
    queued_ += line;
  }
  if (first) more_.notify_one();
}

std::string AccessLog::drain() {
  std::string piece;
  piece.swap(queued_);
  if (lost_ > 0) {
    piece +=
        json_ ? "{\"time\":\"" + timestamp() + "\",\"lost_lines\":" + std::to_string(lost_) + "}\n"
              : timestamp() + " lost_lines=" + std::to_string(lost_) + "\n";
    lost_ = 0;
  }
  return piece;
}

void AccessLog::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    more_.wait(lock, [this] { return stop_ || !queued_.empty(); });
    const auto piece = drain();
    if (piece.empty()) return;  // stopped, and all is written
    lock.unlock();
    write_all(fd_, piece);
    lock.lock();
  }
}

}  // namespace gatehouse::proxy
