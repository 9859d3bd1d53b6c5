// Issuers that do what a test says, instead of a CA.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/event.h"
#include "certs/issuer.h"
#include "certs/schedule.h"
#include "certs/signing.h"

namespace gatehouse::certs {

// A self-signed certificate for `names`.
inline tls::CertificateRef make_certificate(const tls::PrivateKey& key,
                                            std::vector<std::string> names,
                                            base::WallTime not_before, base::WallTime not_after) {
  CertificateRequest request;
  request.names = std::move(names);
  request.not_before = not_before;
  request.not_after = not_after;
  auto pem = sign_certificate(request, key, nullptr);
  if (!pem) throw std::runtime_error(pem.error().detail);
  auto made = tls::Certificate::make(*pem, key);
  if (!made) throw std::runtime_error(made.error().detail);
  return *made;
}

// What a CA does, and what was asked of it. Issuers of several processes may share one.
struct FakeCa {
  explicit FakeCa(base::Loop& loop) : go_on(loop) { go_on.set(); }

  std::chrono::seconds life = std::chrono::days(90);
  std::chrono::seconds ahead{0};       // of our clock
  std::optional<IssueError> failure;   // what every order comes to
  base::Event go_on;                   // orders wait for it; set at first
  std::vector<std::string> ordered;    // the first name of each order
  std::vector<std::string> sets;       // the names of each order, "a.example b.example"
  std::vector<std::string> key_types;  // of each order: "p256", …
  bool refuses_rsa = false;
  base::Duration extra{0};            // what it wants to have beyond the time of others
  base::Deadline deadline;            // of the last order
  std::set<std::string> blamed;       // names for which orders fail
  std::vector<std::string> replaced;  // the serial of each order's predecessor, or ""
  // What it says of when to renew, and how often it was asked; a failure by default.
  acme::Outcome<acme::RenewalInfo> renewal = acme::failed(
      base::Error(base::Code::kUnsupported, base::Side::kCa, "nothing is said of renewal"));
  std::size_t questions = 0;
  std::size_t running = 0;
  std::size_t most_running = 0;

  // As a CA does that has trouble of its own: with every name.
  void break_down() {
    fail("down");
    failure->whole_issuer = true;
  }
  // As a CA does that does not find us at a name: another would not either.
  void not_found_at_name() {
    fail("connection");
    failure->other_issuer = false;
  }
  void fail(std::string detail) {
    failure = IssueError(base::Error(base::Code::kDenied, base::Side::kCa, std::move(detail)));
  }
};

class FakeIssuer : public Issuer {
 public:
  FakeIssuer(FakeCa& ca, std::string id, WallClock now)
      : ca_(ca), id_(std::move(id)), now_(std::move(now)) {}

  const std::string& id() const override { return id_; }
  bool validates() const override { return id_ != "internal"; }
  base::Duration extra_time(std::size_t) const override { return ca_.extra; }

  base::Task<std::expected<tls::CertificateRef, IssueError>> issue(IssueRequest request) override {
    ca_.ordered.push_back(request.names.front());
    ca_.deadline = request.deadline;
    ca_.key_types.push_back(request.key.type_name());
    std::string& set = ca_.sets.emplace_back();
    IssueError why(base::Error(base::Code::kDenied, base::Side::kCa, "some names are wrong"));
    for (const std::string& name : request.names) {
      set += (set.empty() ? "" : " ") + name;
      if (ca_.blamed.contains(name)) why.names.emplace_back(name, "no such name", false);
    }
    ca_.replaced.push_back(request.replaces ? request.replaces->leaf().serial : "");
    ca_.most_running = std::max(ca_.most_running, ++ca_.running);
    (void)co_await ca_.go_on.wait();
    --ca_.running;
    if (ca_.refuses_rsa && !request.key.is_ecdsa()) {
      co_return std::unexpected(
          IssueError(base::Error(base::Code::kDenied, base::Side::kCa, "no RSA keys")));
    }
    if (ca_.failure) co_return std::unexpected(*ca_.failure);
    if (!why.names.empty()) co_return std::unexpected(std::move(why));
    const base::WallTime now = now_() + ca_.ahead;
    co_return make_certificate(request.key, std::move(request.names), now, now + ca_.life);
  }

  base::Task<acme::Outcome<acme::RenewalInfo>> renewal_info(tls::CertificateRef,
                                                            base::Deadline) override {
    ++ca_.questions;
    co_return ca_.renewal;
  }

 private:
  FakeCa& ca_;
  std::string id_;
  WallClock now_;
};

}  // namespace gatehouse::certs
