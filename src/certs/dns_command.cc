#include "certs/dns_command.h"

#include <utility>
#include <vector>

#include "base/program.h"

namespace gatehouse::certs {

namespace {

// What a program wrote, on one line.
std::string on_one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool blank = static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
    if (!blank) line += c;
    if (blank && !line.empty() && line.back() != ' ') line += ' ';
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

std::string how_it_ended(int status) {
  return status < 0 ? "was ended by signal " + std::to_string(-status)
                    : "ended with status " + std::to_string(status);
}

}  // namespace

DnsCommand::DnsCommand(DnsProviderParts parts, config::DnsCommand options)
    : parts_(parts), options_(std::move(options)), id_("command " + options_.program) {}

base::Task<base::Result<void>> DnsCommand::add(std::string name, std::string value,
                                               base::Deadline deadline) {
  return run("present", std::move(name), std::move(value), deadline);
}

base::Task<base::Result<void>> DnsCommand::remove(std::string name, std::string value,
                                                  base::Deadline deadline) {
  return run("cleanup", std::move(name), std::move(value), deadline);
}

base::Task<base::Result<void>> DnsCommand::run(std::string word, std::string name,
                                               std::string value, base::Deadline deadline) {
  const auto end = deadline.min(base::Deadline::in(options_.timeout));
  std::vector<std::string> arguments;
  arguments.push_back(options_.program);
  arguments.push_back(word);
  arguments.push_back(name + ".");
  arguments.push_back(std::move(value));
  auto ended = co_await base::run_program(parts_.loop, parts_.blocking, std::move(arguments), end);
  if (!ended) co_return base::fail(std::move(ended.error()));
  if (ended->status == 0) co_return base::Result<void>();
  const std::string said = on_one_line(ended->messages);
  co_return base::fail(base::Code::kDenied, base::Side::kLocal, base::Retry::kYes,
                       options_.program + " " + word + " " + name + " " +
                           how_it_ended(ended->status) +
                           (said.empty() ? ", and without a word" : ": " + said));
}

}  // namespace gatehouse::certs
