// A loop with an HTTP client on it, as control has, and a way to await tasks from a test.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <optional>

#include "acme/client.h"
#include "base/resolver.h"
#include "tls/context.h"

namespace gatehouse::acme {

// Runs `loop` until `task` has ended.
template <class T>
T run(base::Loop& loop, base::Task<T> task) {
  std::optional<T> result;
  std::exception_ptr thrown;
  base::asio::co_spawn(loop.context(), std::move(task), [&](std::exception_ptr error, T value) {
    thrown = error;
    result.emplace(std::move(value));
    loop.stop();
  });
  loop.run();
  loop.context().restart();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*result);
}

inline std::unique_ptr<tls::ClientContext> no_trust() {
  tls::ClientOptions options;
  options.system_roots = false;
  return std::move(*tls::ClientContext::make(options));
}

struct Harness {
  base::Loop loop;
  base::Resolver resolver;
  std::unique_ptr<tls::ClientContext> trust = no_trust();
  http::Client http{loop, resolver, *trust, "gatehouse-test/1 (+https://example.com)"};
};

}  // namespace gatehouse::acme
