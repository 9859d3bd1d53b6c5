#include "certs/placement.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/log.h"

namespace gatehouse::certs {

namespace {

using acme::failed;

// CAs refuse a predecessor by several types: alreadyReplaced, unauthorized (another account's),
// malformed, conflict, or a plain 404. What surely means something else is left out.
bool may_be_about_replaces(const acme::Failure& failure) {
  if (!failure.problem || failure.problem->status >= 500) return false;
  static constexpr std::array kOthers{std::string_view("rateLimited"),
                                      std::string_view("accountDoesNotExist"),
                                      std::string_view("invalidProfile"),
                                      std::string_view("userActionRequired"),
                                      std::string_view("rejectedIdentifier"),
                                      std::string_view("unsupportedIdentifier"),
                                      std::string_view("externalAccountRequired")};
  return std::ranges::find(kOthers, failure.problem->type) == kOthers.end();
}

}  // namespace

base::Task<acme::Outcome<acme::Order>> place_order(acme::Client& client,
                                                   const acme::Account& account,
                                                   acme::NewOrder& wanted,
                                                   base::Deadline deadline) {
  auto directory = co_await client.directory(deadline);
  if (!directory) co_return failed(std::move(directory.error()));
  // A CA without renewal information knows no `replaces` either.
  if (directory->renewal_info.empty()) wanted.replaces.clear();
  while (true) {
    auto order = co_await acme::new_order(client, account, wanted, deadline);
    if (order) co_return std::move(*order);
    if (wanted.replaces.empty() || !may_be_about_replaces(order.error())) {
      co_return failed(std::move(order.error()));
    }
    base::log::info("the CA does not take an order as a replacement; ordering without that",
                    {{"name", wanted.names.front()},
                     {"ca", client.directory_url()},
                     {"error", order.error().error.detail}});
    wanted.replaces.clear();
  }
}

}  // namespace gatehouse::certs
