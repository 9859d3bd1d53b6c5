#include "certs/renewal_plan.h"

#include <algorithm>

#include "certs/document.h"

namespace gatehouse::certs {

namespace {

using std::chrono::hours;
using std::chrono::seconds;

// FNV-1a: the spread must be the same in every process that looks at the name.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  return hash;
}

// Where the life begins, for all that is counted here.
base::WallTime from(const RenewalDates& dates) {
  return std::min(std::max(dates.obtained, dates.not_before), dates.not_after);
}

seconds life(const RenewalDates& dates) { return dates.not_after - from(dates); }

seconds until_renewal(seconds life, const RenewalPolicy& policy) {
  if (policy.left_percent) return life * (100 - *policy.left_percent) / 100;
  return life < kShortLife ? life / 2 : life * 2 / 3;
}

}  // namespace

base::WallTime due_by_life(const RenewalDates& dates, const RenewalPolicy& policy) {
  const seconds whole = life(dates);
  // -2 % to +2 % of the life, in steps of 0.001 %.
  const auto spread = static_cast<std::int64_t>(hash_of(dates.name) % 4001) - 2000;
  const seconds after = until_renewal(whole, policy) + whole / 100'000 * spread;
  return std::max(std::min(from(dates) + after, emergency_line(dates)), dates.obtained + kSettle);
}

RenewalPlan plan_renewal(std::string serial, const acme::RenewalInfo& info,
                         const std::optional<RenewalPlan>& known, base::WallTime now,
                         double random) {
  RenewalPlan plan;
  plan.serial = std::move(serial);
  plan.start = info.start;
  plan.end = info.end;
  plan.ask_again = now + info.ask_again;
  const bool same =
      known && known->serial == plan.serial && known->start == info.start && known->end == info.end;
  const auto width = static_cast<double>((info.end - info.start).count());
  if (known && known->serial == plan.serial) plan.demanded = known->demanded;
  plan.chosen =
      same ? known->chosen : info.start + seconds(static_cast<std::int64_t>(width * random));
  return plan;
}

base::WallTime first_question(const RenewalDates& dates) {
  return dates.obtained + std::min<seconds>(hours(1), life(dates) / 50);
}

base::WallTime emergency_line(const RenewalDates& dates) {
  const seconds whole = life(dates);
  const seconds tenth = std::clamp(whole / 10, kEmergencyLeast, kEmergencyMost);
  return dates.not_after - std::min(tenth, whole / 4);
}

base::WallTime due_by_plan(const RenewalDates& dates, const RenewalPlan& plan) {
  const base::WallTime soonest = std::max(first_question(dates), dates.obtained + kSettle);
  return std::max(std::min(plan.chosen, emergency_line(dates)), soonest);
}

std::string to_text(const RenewalPlan& plan) {
  Json object = new_document();
  object["serial"] = plan.serial;
  object["start"] = seconds_of(plan.start);
  object["end"] = seconds_of(plan.end);
  object["chosen"] = seconds_of(plan.chosen);
  object["ask_again"] = seconds_of(plan.ask_again);
  if (plan.demanded) object["demanded"] = seconds_of(*plan.demanded);
  return text_of(object);
}

base::Result<RenewalPlan> parse_renewal_plan(std::string_view text) {
  auto object = parse_document(text);
  if (!object) return base::fail(std::move(object.error()));
  auto serial = text_in(*object, "serial");
  if (!serial) return base::fail(std::move(serial.error()));
  RenewalPlan plan;
  plan.serial = std::move(*serial);
  struct Date {
    const char* key;
    base::WallTime RenewalPlan::* at;
  };
  for (const Date& date :
       {Date{"start", &RenewalPlan::start}, Date{"end", &RenewalPlan::end},
        Date{"chosen", &RenewalPlan::chosen}, Date{"ask_again", &RenewalPlan::ask_again}}) {
    auto at = time_in(*object, date.key);
    if (!at) return base::fail(std::move(at.error()));
    plan.*date.at = *at;
  }
  if (!object->contains("demanded")) return plan;
  auto demanded = time_in(*object, "demanded");
  if (!demanded) return base::fail(std::move(demanded.error()));
  plan.demanded = *demanded;
  return plan;
}

}  // namespace gatehouse::certs
