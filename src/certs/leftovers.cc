#include "certs/leftovers.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/log.h"
#include "certs/listed.h"

namespace gatehouse::certs {

namespace {

constexpr std::size_t kListed = 256;  // of one folder, as far as they are counted

base::Task<void> tell_of_strangers(Issuers& issuers, storage::Storage& storage) {
  const auto found = co_await storage.segments("dns");
  if (!found) co_return;  // who lists the notes of the providers says so
  const std::vector<std::string> ours = issuers.leftovers();
  std::vector<std::string> folders;
  std::size_t notes = 0;
  for (const std::string& segment : *found) {
    const std::string folder = "dns/" + segment;
    if (std::ranges::find(ours, folder) != ours.end()) continue;
    const auto keys = co_await storage.list(folder, "", kListed);
    if (!keys || keys->empty()) continue;
    folders.push_back(folder);
    notes += keys->size();
  }
  if (folders.empty()) co_return;
  base::log::warn("DNS records may be left that no provider of the configuration has set",
                  {{"notes", notes}, {"folders", listed(folders)}});
}

}  // namespace

base::Task<void> look_after_leftovers(Issuers& issuers, storage::Storage& storage,
                                      base::Event& over) {
  co_await tell_of_strangers(issuers, storage);
  while (!over.is_set()) {
    co_await issuers.remove_leftovers();
    (void)co_await over.wait(base::Deadline::in(kLeftoversAgain));
  }
}

}  // namespace gatehouse::certs
