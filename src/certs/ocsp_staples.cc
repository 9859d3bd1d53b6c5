#include "certs/ocsp_staples.h"

#include <openssl/sha.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/log.h"
#include "certs/backoff.h"
#include "certs/key_types.h"
#include "certs/moment.h"

namespace gatehouse::certs {

namespace {

namespace log = base::log;

// A path may hold what no storage key does.
std::string hash_of_path(const std::string& path) {
  std::uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const std::uint8_t*>(path.data()), path.size(), digest);
  std::string text;
  for (std::size_t i = 0; i < 16; ++i) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", digest[i]);
    text += two;
  }
  return text;
}

// From when on a newer response is wanted.
base::WallTime half_of(const tls::OcspAnswer& answer) {
  return answer.this_update + std::min<std::chrono::seconds>(
                                  (answer.until - answer.this_update) / 2, OcspStaples::kLatest);
}

// A tenth of the life, not all at the same moment.
std::chrono::seconds spread_over(const tls::OcspAnswer& answer) {
  const auto life = static_cast<double>((half_of(answer) - answer.this_update).count());
  return std::chrono::seconds(static_cast<std::int64_t>(life / 5 * random_fraction()));
}

base::Error unknown_to_its_ca() {
  return base::Error(base::Code::kNotFound, base::Side::kCa,
                     "the CA's responder does not know the certificate");
}

// A cache on the way is behind.
base::Error older_than_stapled() {
  return base::Error(base::Code::kDenied, base::Side::kCa,
                     "the response is older than the one that is stapled");
}

// Whether the responder is of no use to the other certificates either.
bool is_whole_responder(const base::Error& error) {
  return error.side != base::Side::kCa || error.code == base::Code::kOverload ||
         error.code == base::Code::kMalformed || error.retry == base::Retry::kYes;
}

}  // namespace

OcspStaples::OcspStaples(Parts parts)
    : parts_(std::move(parts)),
      responders_(parts_.loop, parts_.resolver, parts_.trust, parts_.now),
      due_(parts_.loop, parts_.now),
      turns_(parts_.loop, kAtOnce, 1),
      tasks_(parts_.loop) {}

void OcspStaples::watch(const Record& record) {
  Watched watched;
  watched.certificate = record.certificate;
  watched.issuer = record.issuer;
  watched.name = record.label();
  watched.obtained = record.obtained;
  std::string key = "ocsp/" + watched.issuer + '/' + key_segment(watched.name);
  put_down(std::move(key), std::move(watched));
}

void OcspStaples::watch_file(const std::string& file, const tls::CertificateRef& certificate) {
  Watched watched;
  watched.certificate = certificate;
  watched.name = file;
  put_down("ocsp/files/" + hash_of_path(file), std::move(watched));
}

void OcspStaples::put_down(std::string key, Watched watched) {
  const auto certificate = watched.certificate.lock();
  const auto known = watched_.find(key);
  if (known != watched_.end() && known->second.certificate.lock() == certificate) return;
  due_.remove(key);
  if (!parts_.enabled || certificate->staple() == nullptr) {
    if (known != watched_.end()) watched_.erase(known);
    return;
  }
  due_.set(key, parts_.now());
  watched_.insert_or_assign(std::move(key), std::move(watched));
}

void OcspStaples::start() { tasks_.spawn(run(), "OCSP staples"); }

base::Task<base::Result<void>> OcspStaples::stop(base::Deadline deadline) {
  due_.close();
  auto ended = co_await tasks_.close(deadline);
  if (ended) responders_.close_idle();
  co_return ended;
}

base::Task<void> OcspStaples::run() {
  while (true) {
    const auto turn = co_await turns_.acquire(Urgency::kBackground, base::Deadline::never());
    if (!turn) co_return;
    auto key = co_await due_.next();
    if (!key) co_return;
    if (!tasks_.spawn(refresh(std::move(*key)), "an OCSP response")) co_return;
  }
}

base::Task<void> OcspStaples::refresh(std::string key) {
  co_await refresh_in_turn(std::move(key));
  turns_.release();
}

base::Task<void> OcspStaples::refresh_in_turn(std::string key) {
  const auto found = watched_.find(key);
  if (found == watched_.end()) co_return;
  Turn turn;
  turn.key = std::move(key);
  turn.name = found->second.name;
  turn.certificate = found->second.certificate.lock();
  if (!turn.certificate || turn.certificate->leaf().not_after <= parts_.now()) {
    watched_.erase(found);
    co_return;
  }
  auto find = [certificate = turn.certificate] { return tls::ocsp_question(certificate->chain()); };
  auto question = co_await parts_.blocking.run(std::move(find));
  if (!question) {
    if (question.error().code == base::Code::kOverload) {
      again(turn, parts_.now() + kSoonest);
      co_return;
    }
    log::warn("a certificate cannot be stapled",
              {{"name", turn.name}, {"error", question.error().detail}});
    co_return;
  }
  turn.question = std::move(*question);
  const bool fresh = co_await use_stored(turn);
  if (!fresh) co_await ask(turn);
}

// Serves what this process has stored, or another one. False when a newer one is wanted.
base::Task<bool> OcspStaples::use_stored(const Turn& turn) {
  const auto stored = co_await parts_.storage.load(turn.key);
  if (!stored) {
    // It is fetched again, so that nobody need look at it.
    if (stored.error().code == base::Code::kDamaged) (void)co_await parts_.storage.remove(turn.key);
    co_return false;
  }
  const auto answer = co_await check(turn, *stored);
  if (!answer || answer->status != tls::OcspStatus::kGood) co_return false;
  turn.certificate->staple()->put(*stored, answer->until);
  if (half_of(*answer) <= parts_.now()) co_return false;
  again(turn, half_of(*answer) + spread_over(*answer));
  co_return true;
}

base::Task<base::Result<tls::OcspAnswer>> OcspStaples::check(const Turn& turn,
                                                             std::string response) {
  auto call = [response = std::move(response), question = turn.question, now = parts_.now()] {
    return tls::check_ocsp_response(response, question, now);
  };
  co_return co_await parts_.blocking.run(std::move(call));
}

base::Task<void> OcspStaples::ask(const Turn& turn) {
  const std::string& responder = turn.certificate->leaf().responder;
  if (const auto until = responders_.left_alone_until(responder)) {
    const double spread = random_fraction() * static_cast<double>(kSpread.count());
    again(turn, *until + std::chrono::seconds(static_cast<std::int64_t>(spread)));
    co_return;
  }
  const Watched* watched = still(turn);
  // A cache on the way may hold what is too old: that is passed by when it was of no use.
  const bool by_post = watched != nullptr && watched->failures % 2 == 1;
  auto response = co_await responders_.ask(responder, tls::ocsp_request(turn.question), by_post);
  base::Result<tls::OcspAnswer> answer = base::fail(response ? base::Error() : response.error());
  if (response) answer = co_await check(turn, *response);
  if (answer && answer->status == tls::OcspStatus::kUnknown) {
    answer = base::fail(unknown_to_its_ca());
  }
  const bool answered = answer || !is_whole_responder(answer.error());
  if (responders_.heard(responder, answered)) {
    log::error("an OCSP responder errs for every certificate; it is left alone for a while",
               {{"responder", responder}, {"error", answer.error().detail}});
  }
  if (!answer) {
    failed(turn, answer.error());
  } else if (answer->status == tls::OcspStatus::kRevoked) {
    co_await revoked(turn, *answer);
  } else {
    co_await keep(turn, std::move(*response), *answer);
  }
}

base::Task<void> OcspStaples::keep(const Turn& turn, std::string response,
                                   const tls::OcspAnswer& answer) {
  if (answer.until < turn.certificate->staple()->until()) {
    failed(turn, older_than_stapled());
    co_return;
  }
  turn.certificate->staple()->put(response, answer.until);
  Watched* watched = still(turn);
  if (watched == nullptr) co_return;
  // A responder that repeats itself until a response has nearly run out is not asked every minute.
  const base::WallTime now = parts_.now();
  const base::WallTime soonest = now + std::clamp((answer.until - now) / 4, kSoonest, kLatest);
  again(turn, std::max(half_of(answer) + spread_over(answer), soonest));
  if (watched->failures != 0) {
    log::info("a certificate is stapled again", {{"name", turn.name}});
  }
  watched->failures = 0;
  const auto stored = co_await parts_.storage.store(turn.key, std::move(response));
  if (!stored) {
    log::warn("storage keeps no OCSP response; it is fetched again after a restart",
              {{"key", turn.key}, {"error", stored.error().detail}});
  }
}

// What was stapled before stays until it runs out.
void OcspStaples::failed(const Turn& turn, const base::Error& error) {
  Watched* watched = still(turn);
  if (watched == nullptr) return;
  const base::WallTime now = parts_.now();
  ++watched->failures;
  auto pause = std::min(retry_delay(watched->failures, random_fraction()), kRetryAtMost);
  const base::WallTime until = turn.certificate->staple()->until();
  const bool stapled = until > now;
  if (stapled) pause = std::min(pause, std::max((until - now) / 4, kSoonest));
  again(turn, now + pause);
  const auto& leaf = turn.certificate->leaf();
  if (!stapled && leaf.must_staple) {
    log::error(
        "a certificate demands a stapled OCSP response, and there is none: clients refuse it",
        {{"name", turn.name}, {"responder", leaf.responder}, {"error", error.detail}});
  } else if (watched->failures == 1) {
    log::warn("no OCSP response for a certificate; it is asked for again",
              {{"name", turn.name},
               {"responder", leaf.responder},
               {"stapled_until", stapled ? text_of(until) : "no"},
               {"error", error.detail}});
  }
}

// Never stapled; but served until there is another one, for clients that do not mind are better off
// than with none.
base::Task<void> OcspStaples::revoked(const Turn& turn, const tls::OcspAnswer& answer) {
  turn.certificate->staple()->clear();
  const Watched* watched = still(turn);
  if (watched == nullptr) co_return;
  again(turn, parts_.now() + kRevokedAgain);
  const bool from_file = watched->issuer.empty();
  log::error("a certificate was revoked by its CA",
             {{"name", turn.name},
              {"serial", turn.certificate->leaf().serial},
              {"revoked", text_of(answer.revoked_at)},
              {"reason", answer.reason},
              {"to_do", from_file ? "get another one, with a new key, and put it into its files"
                                  : "none: another one is ordered"}});
  if (parts_.events != nullptr) {
    parts_.events->found_revoked(turn.certificate, watched->issuer, answer.reason);
  }
  if (!from_file) co_await demand_renewal(turn);
  (void)co_await parts_.storage.remove(turn.key);
}

// As a person would, so that it is due until it is met, by whatever process.
base::Task<void> OcspStaples::demand_renewal(const Turn& turn) {
  const Watched watched = *still(turn);
  const std::string& serial = turn.certificate->leaf().serial;
  auto plan = co_await parts_.inventory.load_plan(watched.issuer, watched.name);
  if (!plan || plan->serial != serial) plan = RenewalPlan();
  plan->serial = serial;
  plan->demanded = std::max(parts_.now(), watched.obtained + kReplaceAfter);
  const base::WallTime at = *plan->demanded;
  const auto saved =
      co_await parts_.inventory.save_plan(watched.issuer, watched.name, std::move(*plan));
  if (!saved) {
    log::error("storage does not keep that a certificate is to be replaced",
               {{"name", watched.name}, {"error", saved.error().detail}});
  }
  if (still(turn) == nullptr) co_return;
  std::string name(name_of_label(watched.name));
  const auto site = parts_.rules == nullptr ? HostRules::Match() : parts_.rules->find(name);
  if (site.policy != nullptr) name = site.certificate_name(name);
  parts_.renewals.set(is_rsa_label(watched.name) ? rsa_label(name) : name, at);
}

OcspStaples::Watched* OcspStaples::still(const Turn& turn) {
  const auto found = watched_.find(turn.key);
  if (found == watched_.end() || found->second.certificate.lock() != turn.certificate) {
    return nullptr;
  }
  return &found->second;
}

void OcspStaples::again(const Turn& turn, base::WallTime at) {
  if (still(turn) != nullptr) due_.set(turn.key, at);
}

}  // namespace gatehouse::certs
