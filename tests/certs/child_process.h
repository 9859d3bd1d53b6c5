// A program that a test starts and ends by its pid.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace gatehouse::certs {

// A loopback port that was free a moment ago.
inline int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof at;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&at), length) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &length) != 0) {
    throw std::runtime_error("no free port");
  }
  ::close(fd);
  return ntohs(at.sin_port);
}

class ChildProcess {
 public:
  // Starts `command` with `environment` ("NAME=value") added, and returns once something accepts
  // connections at the loopback's `port`. Throws when it ends before.
  ChildProcess(std::vector<std::string> command, std::vector<std::string> environment, int port) {
    int pipe_ends[2];
    if (::pipe(pipe_ends) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(pipe_ends[1], 1);
      ::dup2(pipe_ends[1], 2);
      ::close(pipe_ends[0]);
      for (std::string& entry : environment) ::putenv(entry.data());
      std::vector<char*> arguments;
      for (std::string& word : command) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      ::execvp(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(pipe_ends[1]);
    reader_ = std::thread([this, fd = pipe_ends[0]] {
      char bytes[4096];
      ssize_t got;
      while ((got = ::read(fd, bytes, sizeof bytes)) > 0) {
        output_.append(bytes, static_cast<std::size_t>(got));
      }
      ::close(fd);
    });
    while (!accepts(port)) {
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = -1;
        reader_.join();
        throw std::runtime_error(command[0] + " ended: " + output_);
      }
      ::poll(nullptr, 0, 10);
    }
  }
  ~ChildProcess() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    if (reader_.joinable()) reader_.join();
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

 private:
  static bool accepts(int port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    const bool connected = ::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
    ::close(fd);
    return connected;
  }

  pid_t pid_ = -1;
  std::string output_;
  std::thread reader_;
};

}  // namespace gatehouse::certs
