#include "proxy/certificates_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <vector>

#include "base/log.h"
#include "proxy/admin_channel.h"
#include "proxy/admin_json.h"
#include "proxy/certificates_table.h"
#include "proxy/commands.h"
#include "proxy/given_name.h"

namespace gatehouse::proxy {

namespace {

constexpr std::size_t kNamesInOneBody = 200;  // that surely fit into Admin::kBodyBytes

struct CertificateWords {
  std::vector<std::string> names;
  bool all = false;
  bool wait = false;
  bool json = false;
};

// The JSON of an answer, or its error.
base::Result<AdminJson> ask_channel(const AdminChannel& channel, AdminRequest request) {
  const auto answer = channel.ask(std::move(request));
  if (!answer) return base::fail(base::Error(answer.error()));
  auto json = AdminJson::parse(answer->body, nullptr, false);
  if (!json.is_object()) return base::fail(base::Code::kMalformed, "an answer that is no JSON");
  if (answer->status != 200) {
    return base::fail(base::Code::kDenied, json.value("error", "it answers " + answer->body));
  }
  return json;
}

// What storage says may be what another process would change right now.
void say_if_stopped(const AdminChannel& channel) {
  if (channel.running()) return;
  std::cerr << "gatehouse does not run with this configuration, or cannot be asked: this is what "
               "storage holds\n";
}

int list_certificates(const AdminChannel& channel, const CertificateWords& words) {
  AdminJson all = AdminJson::array();
  AdminRequest request;
  request.path = "/certificates";
  while (true) {
    auto page = ask_channel(channel, request);
    if (!page) return say_error(page.error().detail);
    for (auto& one : (*page)["certificates"]) all.push_back(std::move(one));
    const auto& next = (*page)["next"];
    if (!next.is_string()) break;
    request.query = "after=" + next.get<std::string>();
  }
  if (words.json) {
    AdminJson out;
    out["running"] = channel.running();
    out["certificates"] = std::move(all);
    std::cout << text_of(out) << "\n";
    return kWell;
  }
  say_if_stopped(channel);
  std::cout << certificates_table(all);
  return kWell;
}

int show_certificate(const AdminChannel& channel, const CertificateWords& words) {
  const std::string& name = words.names.front();
  const auto odd = [](unsigned char c) { return c <= ' ' || c >= 0x7f || c == '/' || c == '?'; };
  if (std::ranges::any_of(name, odd)) return say_error("\"" + name + "\" is no host name");
  AdminRequest request;
  request.path = "/certificates/" + name;
  const auto status = ask_channel(channel, std::move(request));
  if (!status) return say_error(status.error().detail);
  if (words.json) {
    std::cout << text_of(*status) << "\n";
    return kWell;
  }
  say_if_stopped(channel);
  std::cout << certificate_lines(*status);
  return kWell;
}

// Says what came of it, a line a name; whether all went well.
bool tell_outcomes(const AdminJson& outcomes, bool running) {
  bool well = true;
  for (const auto& one : outcomes) {
    const std::string outcome = one.value("outcome", "");
    std::string said = outcome;
    if (outcome == "failed") {
      said += ": " + one.value("error", "");
      well = false;
    } else if (!running) {
      said = "due when gatehouse starts, since it does not run";
    }
    std::cout << one.value("name", "") << ": " << said << "\n";
  }
  return well;
}

base::Result<AdminJson> renew_some(const AdminChannel& channel, const CertificateWords& words,
                                   std::vector<std::string> names) {
  AdminJson body;
  if (words.all) {
    body["all"] = true;
  } else {
    body["names"] = std::move(names);
  }
  body["wait"] = words.wait && channel.running();
  AdminRequest request;
  request.method = "POST";
  request.path = "/certificates/renew";
  request.body = text_of(body);
  return ask_channel(channel, std::move(request));
}

int renew_certificates(const AdminChannel& channel, const CertificateWords& words) {
  AdminJson outcomes = AdminJson::array();
  auto next = words.names.begin();
  do {
    const auto left = static_cast<std::size_t>(words.names.end() - next);
    const auto end = next + static_cast<std::ptrdiff_t>(std::min(left, kNamesInOneBody));
    auto done = renew_some(channel, words, std::vector<std::string>(next, end));
    if (!done) return say_error(done.error().detail);
    for (auto& one : (*done)["certificates"]) outcomes.push_back(std::move(one));
    next = end;
  } while (next != words.names.end());
  if (!words.json) return tell_outcomes(outcomes, channel.running()) ? kWell : kFailed;
  const bool well = std::ranges::none_of(
      outcomes, [](const AdminJson& one) { return one.value("outcome", "") == "failed"; });
  AdminJson out;
  out["running"] = channel.running();
  out["certificates"] = std::move(outcomes);
  std::cout << text_of(out) << "\n";
  return well ? kWell : kFailed;
}

enum class Wish : std::uint8_t { kList, kShow, kRenew };

int do_it(Wish verb, const std::string& option, const CertificateWords& words) {
  if (verb == Wish::kRenew && words.all == !words.names.empty()) {
    return say_error("certificates renew needs either names or --all", kWrong);
  }
  const auto config = given_config(option);
  if (!config) return kWrong;
  const auto channel = AdminChannel::open(*config);
  int status = kFailed;
  if (!channel) {
    status = say_error(channel.error().detail);
  } else if (verb == Wish::kList) {
    status = list_certificates(*channel, words);
  } else if (verb == Wish::kShow) {
    status = show_certificate(*channel, words);
  } else {
    status = renew_certificates(*channel, words);
  }
  base::log::flush_and_stop();
  return status;
}

}  // namespace

CLI::App* add_certificates_command(CLI::App& app, std::string& config,
                                   std::function<int()>& chosen) {
  auto* certificates = app.add_subcommand("certificates", "look after certificates");
  certificates->require_subcommand(1);
  const auto words = std::make_shared<CertificateWords>();
  const auto add = [&](const char* word, const char* what, Wish verb) {
    auto* command = certificates->add_subcommand(word, what);
    command->add_option("-c,--config", config,
                        "configuration file, - for standard input; else $GATEHOUSE_CONFIG");
    command->add_flag("--json", words->json, "for programs");
    command->callback([&config, &chosen, words, verb] {
      chosen = [&config, words, verb] { return do_it(verb, config, *words); };
    });
    return command;
  };
  add("list", "all of them, and how it stands with each", Wish::kList);
  auto* show_word = add("show", "all that is known of one", Wish::kShow);
  show_word->add_option("name", words->names, "a host name")
      ->required()
      ->expected(1)
      ->transform(given_name);
  auto* renew_word = add("renew", "make them due now, or at the next start", Wish::kRenew);
  renew_word->add_option("name", words->names, "host names")->transform(given_name);
  renew_word->add_flag("--all", words->all, "every one of them");
  renew_word->add_flag("--wait", words->wait, "until they are renewed, or have failed");
  return certificates;
}

}  // namespace gatehouse::proxy
