#include "certs/changes.h"

#include <algorithm>
#include <iterator>
#include <ranges>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "certs/document.h"

namespace gatehouse::certs {

namespace {

constexpr std::string_view kChanges = "changes/latest";

// Where a record begins: a number that no record before it has reached.
std::uint64_t first_number() {
  return static_cast<std::uint64_t>(seconds_of(base::wall_now())) * 1'000'000;
}

}  // namespace

base::Task<base::Result<Changes::Known>> Changes::load() {
  Known known;
  std::string key(kChanges);
  auto text = co_await storage_.load(key);
  if (!text && text.error().code == base::Code::kNotFound) co_return known;
  if (!text && text.error().code != base::Code::kDamaged) {
    co_return base::fail(std::move(text.error()));
  }
  base::Result<Json> object = text ? parse_document(*text) : base::fail(text.error());
  if (object && object->contains("last") && object->contains("labels")) {
    const Json& last = (*object)["last"];
    if (last.is_number_unsigned()) known.last = last.get<std::uint64_t>();
    for (const Json& label : (*object)["labels"]) {
      if (label.is_string()) known.labels.push_back(label.get<std::string>());
    }
    co_return known;
  }
  // Another one takes its place: who looks finds that its numbers are others.
  (void)co_await storage_.set_aside(std::move(key));
  co_return known;
}

base::Task<base::Result<void>> Changes::add(std::vector<std::string> labels) {
  if (labels.empty()) co_return base::Result<void>();
  std::string key(kChanges);
  const base::Deadline deadline = base::Deadline::in(kLeaseTime);
  auto lease = co_await storage_.lease(key, deadline);
  if (!lease) co_return base::fail(std::move(lease.error()));
  auto known = co_await load();
  if (!known) co_return base::fail(std::move(known.error()));
  const std::uint64_t before = known->last;
  const std::uint64_t last = (before == 0 ? first_number() : before) + labels.size();
  std::vector<std::string>& all = known->labels;
  std::ranges::move(labels, std::back_inserter(all));
  if (all.size() > kLabels) all.erase(all.begin(), all.end() - kLabels);
  Json object = new_document();
  object["last"] = last;
  object["labels"] = all;
  std::string text = text_of(object);
  auto stored = co_await storage_.store(std::move(key), std::move(text));
  if (stored && seen_ == before) seen_ = last;  // who adds knows of it
  co_return stored;
}

base::Task<base::Result<Changes::News>> Changes::news() {
  News news;
  auto known = co_await load();
  if (!known) co_return base::fail(std::move(known.error()));
  const std::optional<std::uint64_t> seen = std::exchange(seen_, known->last);
  if (!seen || *seen == known->last) co_return news;
  const std::size_t held = known->labels.size();
  // There was no record yet: what the first one holds is all, unless it is full.
  const bool first = *seen == 0 && held < kLabels;
  const std::uint64_t missed = first ? held : known->last - *seen;
  news.all = known->last < *seen || missed > held;
  if (news.all) co_return news;
  for (std::string& label : known->labels | std::views::drop(held - missed)) {
    const bool known_before = std::ranges::find(news.labels, label) != news.labels.end();
    if (!known_before) news.labels.push_back(std::move(label));
  }
  co_return news;
}

}  // namespace gatehouse::certs
