#include "certs/challenge_memory.h"

#include "certs/document.h"
#include "certs/inventory.h"

namespace gatehouse::certs {

namespace {

std::string memory_key(const std::string& issuer, const std::string& name) {
  return "challenges/" + issuer + '/' + key_segment(name);
}

}  // namespace

base::Task<std::optional<acme::ChallengeType>> ChallengeMemory::recall(std::string name) const {
  std::string key = memory_key(issuer, name);
  const auto text = co_await storage.load(std::move(key));
  if (!text) co_return std::nullopt;
  const auto object = parse_document(*text);
  if (!object) co_return std::nullopt;
  const auto type = text_in(*object, "type");
  if (!type) co_return std::nullopt;
  co_return acme::challenge_type(*type);
}

base::Task<void> ChallengeMemory::note(std::string name, acme::ChallengeType type,
                                       bool usual) const {
  const auto known = co_await recall(name);
  std::string key = memory_key(issuer, name);
  if (usual) {
    if (known) (void)co_await storage.remove(std::move(key));
    co_return;
  }
  if (known == type) co_return;
  Json object = new_document();
  object["type"] = acme::name(type);
  std::string text = text_of(object);
  (void)co_await storage.store(std::move(key), std::move(text));
}

}  // namespace gatehouse::certs
