#include "certs/breakers.h"

#include "base/log.h"
#include "certs/document.h"

namespace gatehouse::certs {

namespace {

std::string key_of(const std::string& issuer) { return "breakers/" + issuer; }

base::Result<base::WallTime> read_until(std::string_view text) {
  auto object = parse_document(text);
  if (!object) return base::fail(std::move(object.error()));
  return time_in(*object, "until");
}

}  // namespace

base::Task<void> Breakers::know(std::string issuer, base::WallTime now) {
  if (breakers_[issuer].known) co_return;
  auto text = co_await storage_.load(key_of(issuer));
  Kept& kept = breakers_[issuer];
  if (kept.known) co_return;  // another order was faster
  kept.known = true;
  if (!text) co_return;
  const auto until = read_until(*text);
  if (!until) {
    base::log::warn("until when an issuer is to be left alone cannot be read",
                    {{"issuer", issuer}, {"error", until.error().detail}});
    co_return;
  }
  kept.until = *until;
  if (*until > now && !kept.breaker.open()) kept.breaker.rest(now, *until - now);
}

base::Task<void> Breakers::keep(std::string issuer) {
  Kept& kept = breakers_[issuer];
  const base::WallTime until = kept.breaker.open() ? kept.breaker.next() : base::WallTime{};
  if (until == kept.until) co_return;
  kept.until = until;
  base::Result<void> done;
  if (until == base::WallTime{}) {
    done = co_await storage_.remove(key_of(issuer));
  } else {
    Json object = new_document();
    object["until"] = seconds_of(until);
    done = co_await storage_.store(key_of(issuer), text_of(object));
  }
  if (done) co_return;
  base::log::warn("storage does not keep until when an issuer is to be left alone",
                  {{"issuer", issuer}, {"error", done.error().detail}});
}

}  // namespace gatehouse::certs
