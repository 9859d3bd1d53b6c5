#include "acme/order.h"

#include "acme/base64url.h"
#include "acme/client.h"
#include "acme/poll.h"
#include "acme/problem_document.h"
#include "acme/url.h"
#include "base/endpoint.h"

namespace gatehouse::acme {

namespace {

using base::Code;
using base::Side;

constexpr unsigned kSubmissions = 3;  // while the CA says orderNotReady of a ready order

base::Task<Outcome<Polled<Order>>> look_at_order(Client& client, const Account& account,
                                                 std::string url, base::Deadline deadline) {
  auto answer = co_await client.post(account, "the order", url, "", deadline);
  if (!answer) co_return failed(std::move(answer.error()));
  auto order = parse_order(url, answer->body);
  if (!order) co_return failed(std::move(order.error()));
  Polled<Order> polled(std::move(*order), answer->retry_after);
  co_return std::move(polled);
}

Failure invalid(const Order& order) {
  if (order.error) return Failure("the order " + order.url, *order.error);
  return Failure(base::Error(
      Code::kDenied, Side::kCa, base::Retry::kYes,
      "the CA has made the order " + order.url + " " + order.status + " without a reason"));
}

// Some CAs say "pending" for a moment after the last authorization has become valid.
bool undecided(const Order& order) {
  return order.status == "pending" || order.status == "ready" || order.status == "processing";
}

// Hands the request in; what the order looks like after it.
base::Task<Outcome<Polled<Order>>> submit(Client& client, const Account& account,
                                          const Order& order, const std::string& csr_der,
                                          base::Deadline deadline) {
  if (order.finalize.empty()) {
    co_return malformed("the order " + order.url + " has no finalize URL");
  }
  Json payload = Json::object();
  payload["csr"] = base64url(csr_der);
  auto answer =
      co_await client.post(account, "finalize", order.finalize, to_text(payload), deadline);
  if (!answer) {
    // The order itself tells what became of it (RFC 8555 7.4).
    const bool look_again = answer.error().is("orderNotReady");
    if (!look_again) co_return failed(std::move(answer.error()));
    auto polled = co_await look_at_order(client, account, order.url, deadline);
    co_return std::move(polled);
  }
  auto after = parse_order(order.url, answer->body);
  if (!after) co_return failed(std::move(after.error()));
  // Not once more, when the CA's answer is behind the facts.
  if (after->status == "ready") after->status = "processing";
  Polled<Order> polled(std::move(*after), answer->retry_after);
  co_return std::move(polled);
}

std::string order_payload(const NewOrder& wanted) {
  Json identifiers = Json::array();
  for (const std::string& name : wanted.names) {
    Json identifier = Json::object();
    identifier["type"] = base::is_ip_literal(name) ? "ip" : "dns";
    identifier["value"] = name;
    identifiers.push_back(std::move(identifier));
  }
  Json payload = Json::object();
  payload["identifiers"] = std::move(identifiers);
  if (!wanted.profile.empty()) payload["profile"] = wanted.profile;
  if (!wanted.replaces.empty()) payload["replaces"] = wanted.replaces;
  return to_text(payload);
}

}  // namespace

base::Result<Order> parse_order(std::string_view url, std::string_view body) {
  const auto object = parse_object(body);
  if (!object) {
    return base::fail(object.error().code, Side::kCa,
                      "the order " + std::string(url) + ": " + object.error().detail);
  }
  Order order;
  order.url = url;
  order.status = printable(text_at(*object, "status"), 64);
  if (order.status.empty()) {
    return base::fail(Code::kMalformed, Side::kCa, "the order " + order.url + " has no status");
  }
  for (const std::string& reference : texts_at(*object, "authorizations")) {
    auto authorization = resolve_url(url, reference);
    if (!authorization) return base::fail(std::move(authorization.error()));
    order.authorizations.push_back(std::move(*authorization));
  }
  if (const std::string reference = text_at(*object, "finalize"); !reference.empty()) {
    auto finalize = resolve_url(url, reference);
    if (!finalize) return base::fail(std::move(finalize.error()));
    order.finalize = std::move(*finalize);
  }
  if (const std::string reference = text_at(*object, "certificate"); !reference.empty()) {
    auto certificate = resolve_url(url, reference);
    if (!certificate) return base::fail(std::move(certificate.error()));
    order.certificate = std::move(*certificate);
  }
  if (const Json* error = object_at(*object, "error")) order.error = read_problem(*error);
  return order;
}

base::Task<Outcome<Order>> new_order(Client& client, const Account& account, NewOrder wanted,
                                     base::Deadline deadline) {
  auto directory = co_await client.directory(deadline);
  if (!directory) co_return failed(std::move(directory.error()));
  auto answer = co_await client.post(account, "newOrder", directory->new_order,
                                     order_payload(wanted), deadline);
  if (!answer) co_return failed(std::move(answer.error()));
  auto url = resolve_url(directory->new_order, answer->location);
  if (!url) {
    co_return malformed("newOrder at " + directory->new_order +
                        ": no order URL: " + url.error().detail);
  }
  auto order = parse_order(*url, answer->body);
  if (!order) co_return failed(std::move(order.error()));
  co_return std::move(*order);
}

base::Task<Outcome<Order>> read_order(Client& client, const Account& account, std::string url,
                                      base::Deadline deadline) {
  auto polled = co_await look_at_order(client, account, std::move(url), deadline);
  if (!polled) co_return failed(std::move(polled.error()));
  co_return std::move(polled->value);
}

base::Task<Outcome<Order>> finalize_order(Client& client, const Account& account, Order order,
                                          std::string csr_der, base::Deadline deadline) {
  const std::string url = order.url;
  Poll poll(client.loop(), "the order " + url);
  unsigned submissions = 0;
  std::optional<std::chrono::seconds> retry_after;
  std::optional<Failure> trouble;
  while (true) {
    if (order.status == "ready" && submissions < kSubmissions) {
      ++submissions;
      auto submitted = co_await submit(client, account, order, csr_der, deadline);
      if (!submitted) co_return failed(std::move(submitted.error()));
      order = std::move(submitted->value);
      retry_after = submitted->retry_after;
    }
    if (order.status == "valid") {
      if (!order.certificate.empty()) co_return std::move(order);
      co_return malformed("the order " + url + " is valid but names no certificate");
    }
    if (!undecided(order)) co_return failed(invalid(order));
    const Failure* last = trouble ? &*trouble : nullptr;
    auto rested = co_await poll.rest(last, retry_after, deadline);
    if (!rested) co_return failed(std::move(rested.error()));
    auto polled = co_await look_at_order(client, account, url, deadline);
    trouble.reset();
    retry_after.reset();
    if (polled) {
      order = std::move(polled->value);
      retry_after = polled->retry_after;
    } else {
      trouble = std::move(polled.error());
    }
  }
}

}  // namespace gatehouse::acme
