#include "http/idle_clients.h"

#include <algorithm>

namespace gatehouse::http {

void IdleClients::Place::enter(base::TimePoint now) {
  if (clients_ == nullptr || is_linked()) return;
  since_ = now;
  clients_->places_.push_back(*this);
  clients_->count_.fetch_add(1, std::memory_order_relaxed);
}

void IdleClients::Place::leave() {
  if (!is_linked()) return;
  unlink();
  clients_->count_.fetch_sub(1, std::memory_order_relaxed);
}

base::Duration IdleClients::Place::keep_alive(base::Duration idle) const {
  return clients_ == nullptr ? idle : clients_->keep_alive(idle);
}

base::Duration IdleClients::keep_alive(base::Duration idle) const {
  if (idle <= kLeast) return idle;
  const double part = (fullness_() - kShrinkFrom) / (kShrinkTo - kShrinkFrom);
  const auto most = static_cast<double>((idle - kLeast).count());
  const auto cut = static_cast<base::Duration::rep>(most * std::clamp(part, 0.0, 1.0));
  return idle - base::Duration(cut);
}

bool IdleClients::end_oldest() {
  if (places_.empty()) return false;
  auto& oldest = places_.front();
  oldest.leave();
  oldest.let_go_(oldest.owner_);
  return true;
}

std::size_t IdleClients::end_overdue(base::Duration idle) {
  const auto most = keep_alive(idle);
  if (most.count() <= 0) return 0;
  const auto then = base::Clock::now() - most;
  std::size_t ended = 0;
  while (!places_.empty() && places_.front().since_ < then && end_oldest()) ++ended;
  return ended;
}

}  // namespace gatehouse::http
