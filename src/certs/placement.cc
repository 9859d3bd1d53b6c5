#include "certs/placement.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/log.h"

namespace gatehouse::certs {

namespace {

using acme::failed;
using base::Code;
using base::Side;

// CAs refuse a predecessor by several types: alreadyReplaced, unauthorized (another account's),
// malformed, conflict, or a plain 404; or they stumble over it, and say so. What surely means
// something else is left out.
bool may_be_about_replaces(const acme::Failure& failure) {
  // A page but for a plain 404 is not the CA's word on this order.
  if (!failure.problem || (failure.problem->page && failure.problem->status != 404)) return false;
  if (failure.problem->status >= 500) {
    return failure.problem->detail.find("certificate") != std::string::npos;
  }
  static constexpr std::array kOthers{std::string_view("rateLimited"),
                                      std::string_view("accountDoesNotExist"),
                                      std::string_view("invalidProfile"),
                                      std::string_view("userActionRequired"),
                                      std::string_view("rejectedIdentifier"),
                                      std::string_view("unsupportedIdentifier"),
                                      std::string_view("externalAccountRequired")};
  return std::ranges::find(kOthers, failure.problem->type) == kOthers.end();
}

// As well a type that nobody knows: no CA has to call it invalidProfile.
bool may_be_about_profile(const acme::Failure& failure) {
  if (!failure.problem || failure.problem->page || failure.problem->status >= 500) return false;
  return failure.is("invalidProfile") || failure.is("malformed") ||
         acme::find_problem_type(failure.problem->type) == nullptr;
}

bool offers(const acme::Directory& directory, const std::string& profile) {
  return std::ranges::find(directory.profiles, profile) != directory.profiles.end();
}

std::string no_such_profile(const std::string& ca, const acme::Directory& directory,
                            const std::string& profile) {
  std::string all;
  for (const std::string& one : directory.profiles) all += (all.empty() ? "" : ", ") + one;
  return "the CA " + ca + " has no profile \"" + profile + "\"; " +
         (all.empty() ? "it has none: remove the issuer's \"profile\""
                      : "it has " + all + ": set the issuer's \"profile\" to one of them");
}

}  // namespace

base::Task<acme::Outcome<acme::Order>> place_order(acme::Client& client,
                                                   const acme::Account& account,
                                                   acme::NewOrder& wanted, bool profile_required,
                                                   base::Deadline deadline) {
  auto directory = co_await client.directory(deadline);
  if (!directory) co_return failed(std::move(directory.error()));
  // A CA without renewal information knows no `replaces` either.
  if (directory->renewal_info.empty()) wanted.replaces.clear();
  if (!wanted.profile.empty() && !offers(*directory, wanted.profile)) {
    const std::string why = no_such_profile(client.directory_url(), *directory, wanted.profile);
    if (profile_required) {
      co_return failed(base::Error(Code::kUnsupported, Side::kCa, base::Retry::kNo, why));
    }
    base::log::warn("ordering without a profile", {{"name", wanted.names.front()}, {"error", why}});
    wanted.profile.clear();
  }
  while (true) {
    auto order = co_await acme::new_order(client, account, wanted, deadline);
    if (order) co_return std::move(*order);
    std::string* field = nullptr;
    if (!wanted.replaces.empty() && may_be_about_replaces(order.error())) {
      field = &wanted.replaces;
    } else if (!wanted.profile.empty() && !profile_required &&
               may_be_about_profile(order.error())) {
      field = &wanted.profile;
    }
    if (field == nullptr) co_return failed(std::move(order.error()));
    base::log::info("the CA does not take an order as it is; ordering with less",
                    {{"name", wanted.names.front()},
                     {"ca", client.directory_url()},
                     {"without", field == &wanted.replaces ? "replaces" : "profile"},
                     {"error", order.error().error.detail}});
    field->clear();
  }
}

}  // namespace gatehouse::certs
