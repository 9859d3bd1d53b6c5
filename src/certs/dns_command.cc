#include "certs/dns_command.h"

#include <utility>
#include <vector>

#include "base/program.h"

namespace gatehouse::certs {

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
  co_return base::fail(base::Code::kDenied, base::Side::kLocal, base::Retry::kYes,
                       options_.program + " " + word + " " + name + " " + base::text_of(*ended));
}

}  // namespace gatehouse::certs
