#include "certs/revocation_events.h"

#include <memory>
#include <utility>

namespace gatehouse::certs {

namespace {

// With requests that nobody has answered: the loop, which destroys them, ends later.
void keep_until_exit(std::unique_ptr<Hooks> hooks) {
  static auto* const kept = new std::vector<std::unique_ptr<Hooks>>;
  kept->push_back(std::move(hooks));
}

}  // namespace

base::Task<std::size_t> tell_of_revocations(Hooks::Parts parts, const config::Config& config,
                                            std::vector<RevokeOutcome> outcomes,
                                            acme::RevocationReason reason) {
  auto hooks = std::make_unique<Hooks>(parts, config.hooks);
  for (RevokeOutcome& one : outcomes) {
    if (!one.known || one.before) continue;
    CertificateEvent event(config::HookEvent::kRevoked, base::wall_now());
    event.names = std::move(one.names);
    event.issuer = std::move(one.issuer);
    event.certificate = std::move(one.certificate);
    event.reason = acme::name(reason);
    hooks->tell(std::move(event));
  }
  co_await hooks->close(base::Deadline::in(kTellTime));
  const std::size_t lost = hooks->lost();
  if (hooks->tasks() != 0) keep_until_exit(std::move(hooks));
  co_return lost;
}

}  // namespace gatehouse::certs
