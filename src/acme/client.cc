#include "acme/client.h"

#include <algorithm>

#include "acme/jws.h"
#include "acme/link.h"
#include "acme/retry_after.h"

namespace gatehouse::acme {

namespace {

using base::Code;
using base::Side;

// What is done with an answer.
enum class Verdict : std::uint8_t { kDone, kBadNonce, kServerTrouble, kRefused };

// An HTTP exchange's outcome, judged.
struct Judged {
  Verdict verdict = Verdict::kRefused;
  Answer answer;    // with kDone
  Failure failure;  // with the others
};

std::optional<std::chrono::seconds> retry_after(const http::ClientResponse& response) {
  const auto value = response.fields.find("Retry-After");
  return !value ? std::nullopt : parse_retry_after(*value, base::wall_now());
}

// RFC 8555 7.3.3: a person has to agree to new terms, where the CA says. One line for the log.
std::string terms_to_agree(const http::Fields& fields, const Problem& problem, std::string terms) {
  if (fields.has("Link")) {
    const auto links = link_targets(fields.joined("Link"), "terms-of-service");
    if (!links.empty()) terms = printable(links.front(), Problem::kDetailBytes);
  }
  const std::string& where = problem.instance.empty() ? terms : problem.instance;
  std::string out = "; the CA has new terms of service";
  if (!terms.empty() && terms != where) out += " (" + terms + ")";
  if (!where.empty()) out += ": open " + where + " and agree to them there";
  return out;
}

Judged judge(std::string_view what, std::string url, http::ClientResponse response) {
  Judged out;
  if (response.status >= 200 && response.status < 300) {
    out.verdict = Verdict::kDone;
    out.answer.retry_after = retry_after(response);
    if (const auto location = response.fields.find("Location")) {
      out.answer.location = *location;
    }
    if (response.fields.has("Link")) {
      out.answer.alternates = link_targets(response.fields.joined("Link"), "alternate");
    }
    out.answer.url = std::move(url);
    out.answer.body = std::move(response.body);
    return out;
  }
  out.failure =
      Failure(std::string(what) + " at " + url, parse_problem(response.status, response.body));
  // The later of what the field and the words say; nothing is less than any moment.
  out.failure.retry_after = std::max(out.failure.retry_after, retry_after(response));
  if (const auto to = response.fields.find("Location"); to && response.status < 400) {
    out.failure.error.detail += ", a redirect to " + printable(*to, 256);
  }
  if (out.failure.is("badNonce")) {
    out.verdict = Verdict::kBadNonce;
  } else if (response.status >= 500) {
    out.verdict = Verdict::kServerTrouble;
  }
  return out;
}

Judged judge_broken(std::string_view what, const std::string& url, base::Error error) {
  Judged out;
  const bool repeat = error.code == Code::kClosed || error.code == Code::kReset ||
                      error.code == Code::kRefused || error.retry == base::Retry::kYes;
  // Every ACME request may be sent twice: at worst an order is made that nobody uses.
  out.verdict =
      repeat && error.code != Code::kTimeout ? Verdict::kServerTrouble : Verdict::kRefused;
  error.side = Side::kCa;
  error.detail = std::string(what) + " at " + url + ": " + error.detail;
  out.failure = Failure(std::move(error));
  return out;
}

// Pauses between tries after the server's trouble.
class ServerTries {
 public:
  // Whether to go on, after the pause; false when tries or time are used up.
  base::Task<bool> again(base::Loop& loop, std::optional<std::chrono::seconds> asked,
                         base::Deadline deadline) {
    if (++failed_ >= Client::kServerTries) co_return false;
    if (asked && *asked > Client::kWaitInPlace) co_return false;
    const base::Duration pause = asked ? std::max<base::Duration>(*asked, pause_) : pause_;
    pause_ *= 2;
    const base::Deadline until = base::Deadline::in(pause);
    if (deadline.at() <= until.at()) co_return false;
    co_await base::sleep_until(loop, until);
    co_return true;
  }

 private:
  unsigned failed_ = 0;
  base::Duration pause_ = Client::kServerPause;
};

}  // namespace

Client::Client(base::Loop& loop, http::Client& http, std::string directory_url)
    : loop_(loop), http_(http), directory_url_(std::move(directory_url)) {}

base::Task<base::Result<http::ClientResponse>> Client::send(http::ClientRequest request,
                                                            base::Deadline deadline) {
  const base::Deadline limit = deadline.min(base::Deadline::in(kRequestTime));
  auto response = co_await http_.send(std::move(request), limit);
  if (response) {
    if (const auto nonce = response->fields.find("Replay-Nonce")) {
      nonces_.keep(*nonce, base::Clock::now());
    }
  }
  co_return response;
}

base::Task<Outcome<Answer>> Client::fetch(std::string what, std::string method, std::string url,
                                          base::Deadline deadline) {
  ServerTries tries;
  while (true) {
    http::ClientRequest request(method, url);
    auto response = co_await send(std::move(request), deadline);
    Judged judged = response ? judge(what, url, std::move(*response))
                             : judge_broken(what, url, std::move(response.error()));
    if (judged.verdict == Verdict::kDone) co_return std::move(judged.answer);
    if (judged.verdict != Verdict::kServerTrouble) co_return failed(std::move(judged.failure));
    const bool again = co_await tries.again(loop_, judged.failure.retry_after, deadline);
    if (!again) co_return failed(std::move(judged.failure));
  }
}

base::Task<Outcome<Answer>> Client::get(std::string what, std::string url,
                                        base::Deadline deadline) {
  return fetch(std::move(what), "GET", std::move(url), deadline);
}

base::Task<Outcome<Directory>> Client::fetch_directory(base::Deadline deadline) {
  auto answer = co_await get("the directory", directory_url_, deadline);
  if (!answer) co_return failed(std::move(answer.error()));
  auto parsed = parse_directory(directory_url_, answer->body);
  if (!parsed) co_return failed(std::move(parsed.error()));
  co_return std::move(*parsed);
}

base::Task<Outcome<Directory>> Client::directory(base::Deadline deadline) {
  while (true) {
    if (directory_ && base::Clock::now() - directory_since_ < kDirectoryAge) co_return *directory_;
    if (!fetching_) break;
    const auto fetching = fetching_;
    auto waited = co_await fetching->ended.wait(deadline);
    if (!waited) co_return failed(std::move(waited.error()));
    // Only that one's time was up: ours may last longer.
    const Outcome<Directory>& outcome = fetching->outcome;
    const bool again = !outcome && outcome.error().error.code == Code::kTimeout;
    if (!again) co_return outcome;
  }
  const auto fetching = std::make_shared<Fetch>(loop_);
  fetching_ = fetching;
  fetching->outcome = co_await fetch_directory(deadline);
  if (!fetching->outcome) fetching->outcome.error().entrance = true;
  fetching_.reset();
  fetching->ended.set();
  if (fetching->outcome) {
    directory_ = *fetching->outcome;
    directory_since_ = base::Clock::now();
  }
  co_return fetching->outcome;
}

base::Task<Outcome<std::string>> Client::nonce(base::Deadline deadline) {
  std::string kept = nonces_.take(base::Clock::now());
  if (!kept.empty()) co_return std::move(kept);
  auto where = co_await directory(deadline);
  if (!where) co_return failed(std::move(where.error()));
  // The directory's own answer may have carried one.
  kept = nonces_.take(base::Clock::now());
  if (!kept.empty()) co_return std::move(kept);
  // Another task may take what one request brought in, so it is asked for more than once.
  for (unsigned i = 0; i < kServerTries; ++i) {
    auto answer = co_await fetch("newNonce", "HEAD", where->new_nonce, deadline);
    if (!answer) answer.error().entrance = true;
    if (!answer) co_return failed(std::move(answer.error()));
    kept = nonces_.take(base::Clock::now());
    if (!kept.empty()) co_return std::move(kept);
  }
  co_return malformed("the CA's newNonce at " + where->new_nonce + " gives no usable Replay-Nonce");
}

std::string Client::terms() const {
  return directory_ ? directory_->terms_of_service : std::string();
}

base::Task<Outcome<Answer>> Client::post(const Account& account, std::string what, std::string url,
                                         std::string payload, base::Deadline deadline,
                                         std::string accept) {
  ServerTries tries;
  unsigned bad_nonces = 0;
  while (true) {
    auto fresh = co_await nonce(deadline);
    if (!fresh) co_return failed(std::move(fresh.error()));
    auto body = signed_request(account.key, account.url, *fresh, url, payload);
    if (!body) co_return failed(std::move(body.error()));
    http::ClientRequest request("POST", url);
    request.fields.add("Content-Type", "application/jose+json");
    request.fields.add("Accept", accept);
    request.body = std::move(*body);
    auto response = co_await send(std::move(request), deadline);
    const http::Fields fields = response ? response->fields : http::Fields();
    Judged judged = response ? judge(what, url, std::move(*response))
                             : judge_broken(what, url, std::move(response.error()));
    if (judged.failure.is("userActionRequired")) {
      judged.failure.error.detail += terms_to_agree(fields, *judged.failure.problem, terms());
    }
    switch (judged.verdict) {
      case Verdict::kDone: co_return std::move(judged.answer);
      case Verdict::kRefused: co_return failed(std::move(judged.failure));
      case Verdict::kBadNonce:
        // RFC 8555 6.5: the error carries a fresh nonce, which lies on top now.
        if (++bad_nonces > kNonceTries) co_return failed(std::move(judged.failure));
        break;
      case Verdict::kServerTrouble: {
        const bool again = co_await tries.again(loop_, judged.failure.retry_after, deadline);
        if (!again) co_return failed(std::move(judged.failure));
        break;
      }
    }
  }
}

}  // namespace gatehouse::acme
