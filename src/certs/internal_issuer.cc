#include "certs/internal_issuer.h"

#include <algorithm>

#include "base/log.h"
#include "certs/signing.h"

namespace gatehouse::certs {

namespace {

using base::Result;
using tls::CertificateRef;

constexpr std::string_view kRootKey = "internal/root";
constexpr std::string_view kIntermediateKey = "internal/intermediate";
constexpr std::string_view kLease = "internal/authority";
constexpr auto kType = tls::KeyType::kP256;
// Clocks of clients go a little wrong.
constexpr std::chrono::seconds kDatedBack{60};

std::string year_of(base::WallTime at) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(at));
  return std::to_string(static_cast<int>(date.year()));
}

// Makes the key too: on a BlockingPool.
Result<CertificateRef> make_authority(const CertificateRequest& request,
                                      const CertificateRef& root) {
  auto key = tls::PrivateKey::generate(kType);
  if (!key) return base::fail(std::move(key.error()));
  auto pem = sign_certificate(request, *key, root.get());
  if (!pem) return base::fail(std::move(pem.error()));
  return tls::Certificate::make(*pem, std::move(*key));
}

Result<CertificateRef> make_leaf(const CertificateRequest& request, const tls::PrivateKey& key,
                                 const CertificateRef& authority, base::WallTime now) {
  auto pem = sign_certificate(request, key, authority.get());
  if (!pem) return base::fail(std::move(pem.error()));
  auto made = tls::Certificate::make(*pem + authority->chain_pem(), key);
  if (!made) return made;
  if (auto fine = tls::check_issued(**made, request.names, now); !fine) {
    return base::fail(std::move(fine.error()));
  }
  return made;
}

// Whether `root` signed `intermediate`, and both hold at `now`.
bool belong_together(const CertificateRef& intermediate, const CertificateRef& root,
                     base::WallTime now) {
  auto both =
      tls::Certificate::make(intermediate->chain_pem() + root->chain_pem(), intermediate->key());
  return both && tls::check_issued(**both, {}, now);
}

}  // namespace

InternalAuthority::InternalAuthority(base::Loop& loop, base::BlockingPool& blocking,
                                     storage::Storage& storage, InternalLifetimes lifetimes,
                                     WallClock now)
    : blocking_(blocking),
      storage_(storage),
      lifetimes_(lifetimes),
      now_(std::move(now)),
      turn_(loop, 1, kWaiting) {}

bool InternalAuthority::root_lasts() const {
  return root_ && root_->leaf().not_after >= now_() + lifetimes_.intermediate;
}

bool InternalAuthority::intermediate_lasts() const {
  return intermediate_ && root_lasts() &&
         intermediate_->leaf().not_after >= now_() + lifetimes_.leaf;
}

base::Task<Result<CertificateRef>> InternalAuthority::root() {
  if (root_lasts()) co_return root_;
  co_return co_await refresh(false);
}

base::Task<Result<CertificateRef>> InternalAuthority::intermediate() {
  if (intermediate_lasts()) co_return intermediate_;
  auto fresh = co_await refresh(true);
  if (!fresh && intermediate_ && intermediate_->valid_at(now_())) {
    base::log::error("the internal CA goes on with its old intermediate: no new one can be made",
                     {{"error", fresh.error().detail}});
    co_return intermediate_;
  }
  co_return fresh;
}

base::Task<Result<CertificateRef>> InternalAuthority::refresh(bool intermediate) {
  const auto turn = co_await turn_.acquire(Urgency::kHandshake, base::Deadline::never());
  if (!turn) co_return base::fail(turn.error());
  Result<void> done;
  if (!(intermediate ? intermediate_lasts() : root_lasts())) {
    std::string name(kLease);
    const base::Deadline deadline = base::Deadline::in(kLeaseTime);
    auto lease = co_await storage_.lease(std::move(name), deadline);
    if (lease) {
      done = co_await refresh_leased(intermediate);
    } else {
      done = base::fail(std::move(lease.error()));
    }
  }
  turn_.release();
  if (!done) co_return base::fail(std::move(done.error()));
  co_return intermediate ? intermediate_ : root_;
}

base::Task<Result<void>> InternalAuthority::refresh_leased(bool intermediate) {
  std::string key(kRootKey);
  auto root = co_await load(key);
  if (!root && root.error().code != base::Code::kNotFound) {
    co_return base::fail(std::move(root.error()));
  }
  if (root) root_ = *root;
  if (!root || !root_lasts()) {
    root_.reset();
    auto made = co_await make(false);
    if (!made) co_return base::fail(std::move(made.error()));
    root_ = *made;
  }
  if (!intermediate) co_return Result<void>();
  key = kIntermediateKey;
  auto signer = co_await load(key);
  if (!signer && signer.error().code != base::Code::kNotFound) {
    co_return base::fail(std::move(signer.error()));
  }
  if (signer && belong_together(*signer, root_, now_())) intermediate_ = *signer;
  if (signer && intermediate_ == *signer && intermediate_lasts()) co_return Result<void>();
  auto made = co_await make(true);
  if (!made) co_return base::fail(std::move(made.error()));
  intermediate_ = *made;
  co_return Result<void>();
}

base::Task<Result<CertificateRef>> InternalAuthority::load(std::string key) {
  auto text = co_await storage_.load(key);
  base::Error error;
  if (text) {
    auto parse = [text = std::move(*text)] { return parse_record(text); };
    auto record = co_await blocking_.run(std::move(parse));
    if (record) co_return std::move(record->certificate);
    error = std::move(record.error());
  } else {
    error = std::move(text.error());
  }
  if (error.code != base::Code::kDamaged) co_return base::fail(std::move(error));
  const auto where = co_await storage_.set_aside(key);
  base::log::error("a record of the internal CA is damaged; it is kept aside and a new one is made",
                   {{"key", key},
                    {"error", error.detail},
                    {"kept", where ? *where : "not kept: " + where.error().detail}});
  co_return base::fail(base::Code::kNotFound, base::Side::kStorage, key + " was damaged");
}

// Stored before it is used: what it signs could not be checked by anybody after a restart.
base::Task<Result<CertificateRef>> InternalAuthority::make(bool intermediate) {
  const base::WallTime now = now_();
  CertificateRequest request;
  request.role = intermediate ? Role::kIntermediate : Role::kRoot;
  request.common_name =
      intermediate ? "gatehouse internal intermediate" : "gatehouse internal root " + year_of(now);
  request.not_before = now - kDatedBack;
  request.not_after = now + (intermediate ? lifetimes_.intermediate : lifetimes_.root);
  CertificateRef signer;
  if (intermediate) {
    signer = root_;
    request.not_after = std::min(request.not_after, root_->leaf().not_after);
  }
  auto sign = [request, signer] { return make_authority(request, signer); };
  auto made = co_await blocking_.run(std::move(sign));
  if (!made) co_return made;
  Record record;
  record.issuer = "internal";
  record.obtained = now;
  record.certificate = *made;
  std::string key(intermediate ? kIntermediateKey : kRootKey);
  std::string text = to_text(record);
  const auto stored = co_await storage_.store(std::move(key), std::move(text));
  if (!stored) co_return base::fail(stored.error());
  if (intermediate) {
    base::log::info("the internal CA has a new intermediate");
  } else {
    base::log::warn("the internal CA has a new root; clients trust it after `gatehouse trust`",
                    {{"root", request.common_name}});
  }
  co_return made;
}

InternalIssuer::InternalIssuer(base::Loop& loop, base::BlockingPool& blocking,
                               storage::Storage& storage, InternalLifetimes lifetimes,
                               WallClock now)
    : blocking_(blocking),
      lifetimes_(lifetimes),
      now_(now),
      authority_(loop, blocking, storage, lifetimes, now) {}

base::Task<acme::Outcome<acme::RenewalInfo>> InternalIssuer::renewal_info(CertificateRef,
                                                                          base::Deadline) {
  co_return acme::failed(base::Error(base::Code::kUnsupported, "the internal CA has no wishes"));
}

base::Task<std::expected<CertificateRef, IssueError>> InternalIssuer::issue(IssueRequest wanted) {
  auto authority = co_await authority_.intermediate();
  if (!authority) co_return std::unexpected(IssueError(std::move(authority.error())));
  const base::WallTime now = now_();
  CertificateRequest request;
  request.names = std::move(wanted.names);
  request.not_before = std::max(now - kDatedBack, (*authority)->leaf().not_before);
  request.not_after = std::min(now + lifetimes_.leaf, (*authority)->leaf().not_after);
  const CertificateRef signer = *authority;
  auto sign = [request, key = wanted.key, signer, now] {
    return make_leaf(request, key, signer, now);
  };
  auto made = co_await blocking_.run(std::move(sign));
  if (!made) co_return std::unexpected(IssueError(std::move(made.error())));
  co_return *made;
}

base::Task<Result<std::string>> internal_root_pem(base::Loop& loop, base::BlockingPool& blocking,
                                                  storage::Storage& storage) {
  InternalAuthority authority(loop, blocking, storage, InternalLifetimes(), &base::wall_now);
  auto root = co_await authority.root();
  if (!root) co_return base::fail(std::move(root.error()));
  co_return (*root)->chain_pem();
}

}  // namespace gatehouse::certs
