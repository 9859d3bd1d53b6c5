#include "acme/nonces.h"

#include "acme/base64url.h"

namespace gatehouse::acme {

void Nonces::keep(std::string_view nonce, base::TimePoint now) {
  if (!is_base64url(nonce, kNonceBytes)) return;
  if (kept_.size() == kKept) kept_.erase(kept_.begin());
  kept_.emplace_back(std::string(nonce), now);
}

std::string Nonces::take(base::TimePoint now) {
  if (kept_.empty() || now - kept_.back().since > kAge) {
    kept_.clear();  // what lies below is older
    return {};
  }
  std::string nonce = std::move(kept_.back().nonce);
  kept_.pop_back();
  return nonce;
}

}  // namespace gatehouse::acme
