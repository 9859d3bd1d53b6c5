#include "http/method.h"

#include <llhttp.h>

#include <algorithm>
#include <iterator>

namespace gatehouse::http {

namespace {

// The methods that llhttp reads over HTTP; it can be taught no others.
bool is_known(std::string_view method) {
#define GATEHOUSE_NAME(number, name, text) #text,
  static constexpr std::string_view kMethods[] = {HTTP_METHOD_MAP(GATEHOUSE_NAME)};
#undef GATEHOUSE_NAME
  return std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods);
}

}  // namespace

Refusal check_method(std::string_view method) {
  if (method == "GET") return Refusal();  // as nearly all are
  if (method == "CONNECT") return Refusal(405, "CONNECT is not allowed");
  if (method == "TRACE") return Refusal(405, "TRACE is not allowed");
  if (!is_known(method) || method == "PRI") return Refusal(501, "unknown method");
  return Refusal();
}

}  // namespace gatehouse::http
