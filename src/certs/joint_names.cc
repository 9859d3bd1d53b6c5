#include "certs/joint_names.h"

#include <algorithm>

#include "base/log.h"
#include "certs/listed.h"
#include "certs/moment.h"

namespace gatehouse::certs {

namespace {

constexpr unsigned kLastingCounts = 3;  // a failure that lasts: its first wait has 100 minutes

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

bool same_names(std::vector<std::string> a, std::vector<std::string> b) {
  std::ranges::sort(a);
  std::ranges::sort(b);
  return a == b;
}

bool covers_all(const tls::Certificate& certificate, const std::vector<std::string>& names) {
  return std::ranges::all_of(names, [&](const auto& name) { return certificate.covers(name); });
}

std::string joined(const std::vector<std::string>& names) { return listed(names, ","); }

std::vector<std::string> names_to_order(const std::vector<std::string>& names,
                                        const Failures& failures, base::WallTime now) {
  std::vector<std::string> out;
  for (const std::string& name : names) {
    const auto left_out = failures.left_out.find(name);
    if (left_out == failures.left_out.end() || left_out->second.next_attempt <= now) {
      out.push_back(name);
    }
  }
  return out.empty() ? names : out;
}

bool leave_out(std::vector<std::string>& names, const std::vector<NameError>& blamed,
               Failures& failures, base::WallTime now) {
  std::vector<std::string> rest = names;
  for (const NameError& one : blamed) std::erase(rest, one.name);
  if (rest.empty() || rest.size() == names.size()) return false;
  for (const NameError& one : blamed) {
    if (!holds(names, one.name)) continue;
    Failures::LeftOut& left_out = failures.left_out[one.name];
    ++left_out.count;
    if (one.lasting) left_out.count = std::max(left_out.count, kLastingCounts);
    left_out.next_attempt = now + retry_delay(left_out.count, random_fraction());
    left_out.error = one.reason;
    base::log::error("a name is left out of a certificate for several",
                     {{"name", one.name},
                      {"next_attempt", text_of(left_out.next_attempt)},
                      {"error", one.reason}});
  }
  names = std::move(rest);
  return true;
}

std::optional<base::WallTime> next_of_left_out(const Failures& failures) {
  std::optional<base::WallTime> next;
  for (const auto& [name, left_out] : failures.left_out) {
    next = next ? std::min(*next, left_out.next_attempt) : left_out.next_attempt;
  }
  return next;
}

}  // namespace gatehouse::certs
