// An HTTP/1.1 server on a free loopback port whose answers a test writes. Threads of its own, so
// that the loop under test stays as it is.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace gatehouse::acme {

struct ScriptRequest {
  std::string method;
  std::string path;
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;
};

struct ScriptReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  bool hang_up = false;  // close without an answer
  bool silent = false;   // never answer
  // By a LoopServer alone:
  std::string raw;      // said instead of an answer; then `hang_up`, `reset` or silence
  std::string dripped;  // said once a second for ever, after `raw`
  std::string poured;   // said for ever, after `raw`, as fast as it is taken
  bool reset = false;   // end with RST

  ScriptReply() = default;
  explicit ScriptReply(int s, std::string b = "") : status(s), body(std::move(b)) {}
  ScriptReply& with(std::string name, std::string value) {
    fields.emplace_back(std::move(name), std::move(value));
    return *this;
  }
};

// Takes the next request from the front of `buffer`; nothing while it is not whole.
inline std::optional<ScriptRequest> take_request(std::string& buffer) {
  const std::size_t end = buffer.find("\r\n\r\n");
  if (end == std::string::npos) return std::nullopt;
  std::string_view head = std::string_view(buffer).substr(0, end);
  ScriptRequest request;
  std::size_t line_end = head.find("\r\n");
  const std::string_view line = head.substr(0, line_end);
  const std::size_t space = line.find(' ');
  request.method = line.substr(0, space);
  request.path = line.substr(space + 1, line.rfind(' ') - space - 1);
  while (line_end != std::string_view::npos) {
    head.remove_prefix(line_end + 2);
    line_end = head.find("\r\n");
    const std::string_view field = head.substr(0, line_end);
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    std::string name(field.substr(0, colon));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    std::string_view value = field.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    request.fields[name] = value;
  }
  const auto length = request.fields.find("content-length");
  const std::size_t body = length == request.fields.end() ? 0 : std::stoul(length->second);
  if (buffer.size() - end - 4 < body) return std::nullopt;
  request.body = buffer.substr(end + 4, body);
  buffer.erase(0, end + 4 + body);
  return request;
}

inline std::string wire_text(const ScriptReply& reply, const ScriptRequest& request) {
  std::string out = "HTTP/1.1 " + std::to_string(reply.status) + " Scripted\r\n";
  for (const auto& [name, value] : reply.fields) out += name + ": " + value + "\r\n";
  out += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n";
  if (request.method != "HEAD") out += reply.body;
  return out;
}

class ScriptServer {
 public:
  using Handler = std::function<ScriptReply(const ScriptRequest&)>;

  // `handler` is called for one request at a time.
  explicit ScriptServer(Handler handler, const char* address = "127.0.0.1")
      : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    ::inet_pton(AF_INET, address, &at.sin_addr);
    socklen_t length = sizeof at;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), length) != 0 ||
        ::listen(listener_, 128) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &length) != 0) {
      throw std::runtime_error("no loopback port");
    }
    port_ = ntohs(at.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~ScriptServer() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& thread : conversations_) thread.join();
    ::close(listener_);
  }
  ScriptServer(const ScriptServer&) = delete;
  ScriptServer& operator=(const ScriptServer&) = delete;

  int port() const { return port_; }
  std::string url(std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }

 private:
  void accept_all() {
    while (true) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        ::close(fd);
        return;
      }
      open_.push_back(fd);
      conversations_.emplace_back([this, fd] {
        std::string buffer;
        while (converse(fd, buffer)) {
        }
        const std::lock_guard done(mutex_);
        std::erase(open_, fd);
        ::close(fd);
      });
    }
  }

  static bool read_more(int fd, std::string& buffer) {
    char bytes[16384];
    const auto got = ::recv(fd, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    buffer.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  // One request and its answer; false when the connection shall end.
  bool converse(int fd, std::string& buffer) {
    auto taken = take_request(buffer);
    while (!taken) {
      if (!read_more(fd, buffer)) return false;
      taken = take_request(buffer);
    }
    const ScriptRequest& request = *taken;
    ScriptReply reply;
    {
      const std::lock_guard lock(handling_);
      reply = handler_(request);
    }
    if (reply.silent) return read_more(fd, buffer);
    if (reply.hang_up) {
      ::shutdown(fd, SHUT_RDWR);
      return false;
    }
    const std::string out = wire_text(reply, request);
    std::string_view rest = out;
    while (!rest.empty()) {
      const auto sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  Handler handler_;
  std::mutex handling_;
  std::mutex mutex_;  // guards what follows
  bool stopping_ = false;
  std::vector<int> open_;
  std::vector<std::thread> conversations_;
  int listener_ = -1;
  int port_ = 0;
  std::thread acceptor_;
};

}  // namespace gatehouse::acme
