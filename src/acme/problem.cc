#include "acme/problem.h"

#include <algorithm>
#include <array>

#include "acme/problem_document.h"

namespace gatehouse::acme {

namespace {

constexpr std::string_view kPrefix = "urn:ietf:params:acme:error:";

std::string token_of(std::string uri) {
  if (uri == "about:blank") return {};
  return uri.starts_with(kPrefix) ? uri.substr(kPrefix.size()) : printable(uri, 128);
}

const ProblemType& type_of(std::string_view token, std::uint16_t status, bool page = false) {
  if (const ProblemType* known = find_problem_type(token)) return *known;
  if (status == 429) return *find_problem_type("rateLimited");
  if (page) return *find_problem_type("serverInternal");
  return *find_problem_type(status >= 500 || status == 0 ? "serverInternal" : "malformed");
}

}  // namespace

std::string printable(std::string_view text, std::size_t largest) {
  std::string out(text.substr(0, largest));
  // Not in the middle of a UTF-8 sequence.
  if (text.size() > largest) {
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xC0) out.pop_back();
    out += "…";
  }
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return out;
}

Handling Problem::handling() const {
  if (subproblems.empty()) return type_of(type, status, page).handling;
  Handling all{true, true, false, true, false, false};
  for (const Subproblem& sub : subproblems) {
    const Handling one = type_of(sub.type, status).handling;
    all.retry = all.retry && one.retry;
    all.other_challenge = all.other_challenge && one.other_challenge;
    all.other_issuer = all.other_issuer || one.other_issuer;
    all.whole_ca = all.whole_ca && one.whole_ca;
    all.lasting = all.lasting || one.lasting;
    all.person = all.person || one.person;
  }
  return all;
}

bool Problem::concerns_everybody() const {
  const bool busy = status == 429 || status == 503;
  if (page || (busy && find_problem_type(type) == nullptr)) return true;
  // "Service busy; retry later.", says Let's Encrypt so.
  if (is("rateLimited") && status == 503) return true;
  static constexpr std::array kWords{
      std::string_view("new orders"), std::string_view("new registrations"),
      std::string_view("pending orders"), std::string_view("pending authorizations")};
  return is("rateLimited") && std::ranges::any_of(kWords, [&](std::string_view words) {
           return detail.find(words) != std::string::npos;
         });
}

std::string_view Problem::advice() const {
  for (const Subproblem& sub : subproblems) {
    if (const auto advice = type_of(sub.type, status).advice; !advice.empty()) return advice;
  }
  if (page) return "see who answers in the CA's place: a proxy, a firewall; else its status page";
  return type_of(type, status).advice;
}

std::string Problem::text() const {
  std::string out = type;
  if (type.empty()) out = status == 0 ? "unknown problem" : "status " + std::to_string(status);
  if (!detail.empty()) out += ": " + detail;
  for (const Subproblem& sub : subproblems) {
    out += "; " + sub.identifier + ": " + sub.type;
    if (!sub.detail.empty()) out += ": " + sub.detail;
    if (out.size() > 4 * kDetailBytes) break;
  }
  return printable(out, 4 * kDetailBytes);
}

Problem read_problem(const Json& object) {
  Problem problem;
  problem.type = token_of(text_at(object, "type"));
  problem.detail = printable(text_at(object, "detail"), Problem::kDetailBytes);
  problem.instance = printable(text_at(object, "instance"), Problem::kDetailBytes);
  const int status = number_at(object, "status", 0);
  if (status >= 100 && status < 600) problem.status = static_cast<std::uint16_t>(status);
  for (const Json* entry : objects_at(object, "subproblems")) {
    Problem::Subproblem sub;
    sub.type = token_of(text_at(*entry, "type"));
    sub.detail = printable(text_at(*entry, "detail"), Problem::kDetailBytes);
    if (const Json* identifier = object_at(*entry, "identifier")) {
      sub.identifier = printable(text_at(*identifier, "value"), 256);
    }
    problem.subproblems.push_back(std::move(sub));
  }
  return problem;
}

Problem parse_problem(std::uint16_t status, std::string_view body) {
  Problem problem;
  if (auto object = parse_object(body)) problem = read_problem(*object);
  problem.page = problem.type.empty() && problem.detail.empty();
  problem.status = status;
  return problem;
}

}  // namespace gatehouse::acme
