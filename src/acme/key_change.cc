#include "acme/key_change.h"

#include "acme/client.h"
#include "acme/document.h"

namespace gatehouse::acme {

base::Result<std::string> key_change_payload(const Account& account, const tls::PrivateKey& fresh,
                                             std::string_view key_change_url) {
  auto old_jwk = jwk(account.key);
  if (!old_jwk) return base::fail(std::move(old_jwk.error()));
  const Json wanted = {{"account", account.url}, {"oldKey", Json::parse(*old_jwk)}};
  // The inner request carries the new key itself, and no nonce: the outer one has that.
  return signed_request(fresh, "", "", key_change_url, to_text(wanted));
}

base::Task<Outcome<>> change_key(Client& client, const Account& account, tls::PrivateKey fresh,
                                 base::Deadline deadline) {
  auto directory = co_await client.directory(deadline);
  if (!directory) co_return failed(std::move(directory.error()));
  const std::string url = directory->key_change;
  if (url.empty()) {
    co_return failed(base::Error(
        base::Code::kUnsupported, base::Side::kCa,
        "the CA " + client.directory_url() + " has no keyChange: accounts keep their keys there"));
  }
  auto payload = key_change_payload(account, fresh, url);
  if (!payload) co_return failed(std::move(payload.error()));
  auto answer = co_await client.post(account, "keyChange", url, *payload, deadline);
  if (!answer) co_return failed(std::move(answer.error()));
  co_return Outcome<>();
}

}  // namespace gatehouse::acme
