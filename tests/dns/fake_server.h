// A DNS server on a free loopback port, whose answers a test writes. A thread of its own.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/endpoint.h"
#include "dns/message.h"

namespace gatehouse::dns {

// The data of a record as it stands in messages.
inline std::string name_data(std::string_view name) {
  std::string data;
  if (!append_name(data, name)) throw std::runtime_error("no name");
  return data;
}
inline std::string ip_data(const char* ip) {
  in_addr address{};
  ::inet_pton(AF_INET, ip, &address);
  return std::string(reinterpret_cast<const char*>(&address), sizeof address);
}
inline std::string text_data(std::string_view text) {
  return static_cast<char>(text.size()) + std::string(text);
}

inline std::string caa_data(char flags, std::string_view tag, std::string_view value) {
  return std::string(1, flags) + static_cast<char>(tag.size()) + std::string(tag) +
         std::string(value);
}

struct FakeRecord {
  std::string name;
  Type type;
  std::string data;
};

// A whole answer to the question (name, type).
inline std::string make_answer(std::string_view query_id, std::string_view name, Type type,
                               unsigned rcode, const std::vector<FakeRecord>& answers,
                               const std::vector<FakeRecord>& authority = {}) {
  std::string message(query_id.substr(0, 2));
  append_u16(message, 0x8000 | rcode);
  for (const std::size_t count :
       {std::size_t{1}, answers.size(), authority.size(), std::size_t{}}) {
    append_u16(message, count);
  }
  message += name_data(name);
  append_u16(message, static_cast<std::uint16_t>(type));
  append_u16(message, 1);
  for (const auto* section : {&answers, &authority}) {
    for (const FakeRecord& record : *section) {
      message += name_data(record.name);
      append_u16(message, static_cast<std::uint16_t>(record.type));
      append_u16(message, 1);
      append_u32(message, 60);
      append_u16(message, record.data.size());
      message += record.data;
    }
  }
  return message;
}

class FakeServer {
 public:
  FakeServer() {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof at;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), length) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &length) != 0) {
      throw std::runtime_error("no loopback port");
    }
    port = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeServer() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  base::Endpoint endpoint() const { return *base::Endpoint::from_ip("127.0.0.1", port); }
  // What stands in its zones; a TXT that is `from` the n-th question for it (from 0) is not seen
  // before.
  void add(std::string name, Type type, std::string data, int from = 0) {
    const std::lock_guard lock(mutex_);
    records_.push_back({FakeRecord{std::move(name), type, std::move(data)}, from});
  }
  void refuse() { rcode_ = 5; }
  // There is no such name: NXDOMAIN.
  void lack(std::string name) {
    const std::lock_guard lock(mutex_);
    missing_.insert(std::move(name));
  }
  int asked(const std::string& name, Type type) {
    const std::lock_guard lock(mutex_);
    return asked_[{name, type}];
  }

  std::uint16_t port = 0;

 private:
  static bool receive(int fd, std::string& into) {
    std::size_t got = 0;
    while (got < into.size()) {
      const auto n = ::recv(fd, into.data() + got, into.size() - got, 0);
      if (n <= 0) return false;
      got += static_cast<std::size_t>(n);
    }
    return true;
  }

  std::string answer(const std::string& query) {
    std::string name;
    std::size_t at = 12;
    while (query[at] != 0) {
      const auto size = static_cast<unsigned char>(query[at]);
      name += (name.empty() ? "" : ".") + query.substr(at + 1, size);
      at += 1u + size;
    }
    const auto type = static_cast<Type>(static_cast<unsigned char>(query[at + 1]) * 256 +
                                        static_cast<unsigned char>(query[at + 2]));
    const std::lock_guard lock(mutex_);
    const int times = asked_[{name, type}]++;
    std::vector<FakeRecord> answers;
    for (const auto& [record, from] : records_) {
      if (record.name == name && record.type == type && times >= from) answers.push_back(record);
    }
    const bool missing = missing_.contains(name);
    return make_answer(query, name, type, missing ? 3 : rcode_.load(), answers);
  }

  void serve() {
    while (!stopping_) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) continue;
      std::string length(2, '\0');
      if (receive(fd, length)) {
        std::string query(
            static_cast<unsigned char>(length[0]) * 256u + static_cast<unsigned char>(length[1]),
            '\0');
        if (receive(fd, query)) {
          const std::string message = answer(query);
          std::string framed;
          append_u16(framed, message.size());
          framed += message;
          (void)!::send(fd, framed.data(), framed.size(), MSG_NOSIGNAL);
        }
      }
      ::close(fd);
    }
  }

  int listener_ = -1;
  std::atomic<bool> stopping_{false};
  std::atomic<unsigned> rcode_{0};
  std::mutex mutex_;
  std::vector<std::pair<FakeRecord, int>> records_;
  std::set<std::string> missing_;
  std::map<std::pair<std::string, Type>, int> asked_;
  std::thread thread_;
};

}  // namespace gatehouse::dns
