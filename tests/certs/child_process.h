// A program that a test starts and ends by its pid.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace gatehouse::certs {

inline sockaddr_in loopback(int port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  return at;
}

// A loopback port that nobody listens on, and that no other test on this machine is given until
// this process ends (tests/e2e/harness/ports.py does the same). Below the range from which the
// kernel takes ports for others: those come and go.
inline int free_port() {
  int below = 0;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> below;
  std::random_device random;
  std::uniform_int_distribution<int> any(10'000, below - 1);
  const auto folder = std::filesystem::temp_directory_path() / "gatehouse-test-ports";
  std::filesystem::create_directory(folder);
  for (int tries = 0; tries < 1000; ++tries) {
    const int port = any(random);
    const auto file = folder / std::to_string(port);
    const int lock = ::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in at = loopback(port);
    const bool ours = lock >= 0 && ::flock(lock, LOCK_EX | LOCK_NB) == 0 &&
                      ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    ::close(fd);
    if (ours) return port;
    if (lock >= 0) ::close(lock);
  }
  throw std::runtime_error("no free port");
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
    const sockaddr_in at = loopback(port);
    const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    ::close(fd);
    return connected;
  }

  pid_t pid_ = -1;
  std::string output_;
  std::thread reader_;
};

}  // namespace gatehouse::certs
