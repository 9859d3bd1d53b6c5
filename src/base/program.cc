#include "base/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/socket.h"

extern char** environ;

namespace gatehouse::base {

namespace {

constexpr int kFirstFree = 16;  // descriptors below are the program's to use

// A descriptor until a Socket takes it.
class Held {
 public:
  explicit Held(int fd = -1) : fd_(fd) {}
  Held(Held&& other) noexcept : fd_(other.take()) {}
  Held& operator=(Held&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Held() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int take() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

struct Started {
  pid_t pid = 0;
  Held process;   // readable when it has ended (pidfd_open(2))
  Held messages;  // a file in memory, which is its standard error
};

// posix_spawn's two descriptions, with their ends.
struct Description {
  Description() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
  }
  ~Description() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
  Description(const Description&) = delete;
  Description& operator=(const Description&) = delete;

  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
};

// A file in memory, to be read from its beginning.
Result<Held> memory_file(const std::string& text) {
  const Held made(::memfd_create("input", MFD_CLOEXEC));
  // Out of the way of the numbers under which the program sees such files.
  Held file(::fcntl(made.get(), F_DUPFD_CLOEXEC, kFirstFree));
  std::size_t written = 0;
  while (file.get() >= 0 && written < text.size()) {
    const auto more = ::write(file.get(), text.data() + written, text.size() - written);
    if (more < 0) break;
    written += static_cast<std::size_t>(more);
  }
  if (file.get() < 0 || written < text.size() || ::lseek(file.get(), 0, SEEK_SET) != 0) {
    return fail(from_errno(errno, Side::kLocal, "memory for what a program reads"));
  }
  return file;
}

void describe(Description& out, int messages, const Held& input, const std::vector<Held>& files) {
  if (input.get() >= 0) {
    ::posix_spawn_file_actions_adddup2(&out.files, input.get(), STDIN_FILENO);
  } else {
    ::posix_spawn_file_actions_addopen(&out.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  ::posix_spawn_file_actions_addopen(&out.files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&out.files, messages, STDERR_FILENO);
  int next = STDERR_FILENO + 1;
  for (const Held& file : files) {
    ::posix_spawn_file_actions_adddup2(&out.files, file.get(), next++);
  }
  ::posix_spawn_file_actions_addclosefrom_np(&out.files, next);
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&out.attributes, &none);
  ::posix_spawnattr_setsigdefault(&out.attributes, &all);
  ::posix_spawnattr_setpgroup(&out.attributes, 0);
  ::posix_spawnattr_setflags(
      &out.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

// Ours but for those that `more` has, and `more`. Borrows both.
std::vector<char*> environment_with(const std::vector<std::string>& more) {
  std::vector<char*> all;
  for (char** ours = environ; *ours != nullptr; ++ours) {
    const auto replaced = [ours](const std::string& one) { return name_of(one) == name_of(*ours); };
    if (std::ranges::none_of(more, replaced)) all.push_back(*ours);
  }
  for (const std::string& one : more) all.push_back(const_cast<char*>(one.c_str()));
  all.push_back(nullptr);
  return all;
}

// Waits for the disk that the program is on.
Result<Started> start(const std::vector<std::string>& arguments, const ProgramInput& input) {
  Started started;
  started.messages = Held(::memfd_create("messages", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const int messages = started.messages.get();
  if (messages < 0 || ::ftruncate(messages, kProgramWrites) != 0 ||
      ::fcntl(messages, F_ADD_SEALS, F_SEAL_GROW) != 0) {
    return fail(from_errno(errno, Side::kLocal, "memory for what " + arguments[0] + " writes"));
  }
  Held standard_input;
  if (!input.standard_input.empty()) {
    auto made = memory_file(input.standard_input);
    if (!made) return fail(std::move(made.error()));
    standard_input = std::move(*made);
  }
  std::vector<Held> files;
  for (const std::string& text : input.files) {
    auto made = memory_file(text);
    if (!made) return fail(std::move(made.error()));
    files.push_back(std::move(*made));
  }
  Description description;
  describe(description, messages, standard_input, files);
  std::vector<char*> pointers;
  for (const auto& one : arguments) pointers.push_back(const_cast<char*>(one.c_str()));
  pointers.push_back(nullptr);
  const int error =
      ::posix_spawn(&started.pid, pointers[0], &description.files, &description.attributes,
                    pointers.data(), environment_with(input.environment).data());
  if (error != 0) {
    auto e = from_errno(error, Side::kLocal, "start " + arguments[0]);
    if (error == ENOENT) e.code = Code::kNotFound;
    return fail(std::move(e));
  }
  started.process = Held(static_cast<int>(::syscall(SYS_pidfd_open, started.pid, O_NONBLOCK)));
  if (started.process.get() >= 0) return started;
  const int why = errno;
  ::kill(-started.pid, SIGKILL);
  ::waitpid(started.pid, nullptr, 0);
  return fail(from_errno(why, Side::kLocal, "watch " + arguments[0]));
}

// The end of what was written; the position in the file is the program's too.
std::string last_messages(int file) {
  const off_t written = ::lseek(file, 0, SEEK_CUR);
  std::string text(kProgramMessages, '\0');
  const off_t from = std::max<off_t>(0, written - static_cast<off_t>(text.size()));
  const auto got = ::pread(file, text.data(), static_cast<std::size_t>(written - from), from);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

}  // namespace

std::string text_of(const ProgramEnd& end) {
  std::string text = end.status < 0 ? "was ended by signal " + std::to_string(-end.status)
                                    : "ended with status " + std::to_string(end.status);
  std::string said;
  for (const char c : end.messages) {
    const bool blank = static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
    if (!blank) said += c;
    if (blank && !said.empty() && said.back() != ' ') said += ' ';
  }
  if (said.ends_with(' ')) said.pop_back();
  return text + (said.empty() ? ", and without a word" : ": " + said);
}

Task<Result<ProgramEnd>> run_program(Loop& loop, BlockingPool& pool,
                                     std::vector<std::string> arguments, Deadline deadline,
                                     ProgramInput input) {
  pid_t* const running = input.running;
  auto begin = [arguments, input = std::move(input)] { return start(arguments, input); };
  auto started = co_await pool.run(std::move(begin));
  if (!started) co_return fail(std::move(started.error()));
  const pid_t pid = started->pid;
  if (running != nullptr) *running = pid;
  Socket process(loop, started->process.take());
  const auto ended = co_await process.wait_readable(deadline);
  if (!ended) {
    ::kill(-pid, SIGKILL);
    (void)co_await process.wait_readable(Deadline::never());
  }
  if (running != nullptr) *running = 0;
  int status = 0;
  ::waitpid(pid, &status, WNOHANG);
  ProgramEnd end;
  end.messages = last_messages(started->messages.get());
  if (!ended) {
    co_return fail(Code::kTimeout, Side::kLocal, Retry::kYes,
                   arguments[0] + " was killed, since it had not ended in time");
  }
  end.status = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  co_return end;
}

}  // namespace gatehouse::base
