// A loop with an HTTP client on it, as control has, and a way to await tasks.
#pragma once

#include <memory>

#include "acme/client.h"
#include "base/resolver.h"
#include "tests/base/on_loop.h"
#include "tls/context.h"

namespace gatehouse::acme {

using base::run;

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
