#include "certs/open_order.h"

#include <openssl/evp.h>

#include "base/log.h"
#include "certs/document.h"
#include "certs/inventory.h"

namespace gatehouse::certs {

std::string to_text(const OpenOrder& order) {
  Json object = new_document();
  object["url"] = order.url;
  object["account"] = order.account;
  object["profile"] = order.profile;
  object["names"] = order.names;
  object["key"] = order.key.pem();
  return text_of(object);
}

base::Result<OpenOrder> parse_open_order(std::string_view text) {
  auto object = parse_document(text);
  if (!object) return base::fail(object.error());
  OpenOrder order;
  for (const auto& [member, value] :
       {std::pair("url", &order.url), std::pair("account", &order.account),
        std::pair("profile", &order.profile)}) {
    auto found = text_in(*object, member);
    if (!found) return base::fail(std::move(found.error()));
    *value = std::move(*found);
  }
  const auto names = object->find("names");
  if (names == object->end() || !names->is_array()) return damaged("it has no list 'names'");
  for (const auto& name : *names) {
    if (!name.is_string()) return damaged("a name in it is no text");
    order.names.push_back(name.get<std::string>());
  }
  auto pem = text_in(*object, "key");
  if (!pem) return base::fail(std::move(pem.error()));
  auto key = tls::PrivateKey::from_pem(*pem);
  if (!key) return damaged("its key: " + key.error().detail);
  order.key = std::move(*key);
  return order;
}

bool same_type(const tls::PrivateKey& a, const tls::PrivateKey& b) {
  return EVP_PKEY_id(a.get()) == EVP_PKEY_id(b.get()) &&
         EVP_PKEY_bits(a.get()) == EVP_PKEY_bits(b.get());
}

std::string OpenOrders::key_of(std::string_view label) const {
  return "orders/" + issuer_ + '/' + key_segment(label);
}

base::Task<std::optional<OpenOrder>> OpenOrders::find(std::string label) {
  std::string key = key_of(label);
  auto text = co_await storage_.load(key);
  if (!text && text.error().code == base::Code::kNotFound) co_return std::nullopt;
  base::Result<OpenOrder> order = base::fail(base::Code::kDamaged, "it cannot be read");
  if (text) {
    auto parse = [text = std::move(*text)] { return parse_open_order(text); };
    order = co_await blocking_.run(std::move(parse));
  } else {
    order = base::fail(std::move(text.error()));
  }
  if (order) co_return std::move(*order);
  base::log::warn("an order that was cut off cannot be taken up; another one is placed",
                  {{"name", label}, {"error", order.error().detail}});
  if (order.error().code == base::Code::kDamaged) (void)co_await storage_.set_aside(std::move(key));
  co_return std::nullopt;
}

base::Task<void> OpenOrders::keep(std::string label, OpenOrder order) {
  std::string key = key_of(label);
  std::string text = to_text(order);
  const auto stored = co_await storage_.store(std::move(key), std::move(text));
  if (stored) co_return;
  base::log::warn("storage keeps no order; it is lost if the process is",
                  {{"name", label}, {"error", stored.error().detail}});
}

base::Task<void> OpenOrders::forget(std::string label) {
  std::string key = key_of(label);
  const auto removed = co_await storage_.remove(std::move(key));
  if (removed) co_return;
  base::log::warn("storage still holds an order that is over",
                  {{"name", label}, {"error", removed.error().detail}});
}

}  // namespace gatehouse::certs
