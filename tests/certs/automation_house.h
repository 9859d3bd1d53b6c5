// What an Automation lives in, beside scripted issuers, a clock that is set by hand, and storage in
// memory that several processes share.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "certs/automation.h"
#include "certs/record.h"
#include "tests/certs/ask_server.h"
#include "tests/certs/fake_issuer.h"
#include "tests/certs/memory_storage.h"
#include "tests/certs/run_task.h"

namespace gatehouse::certs {

using Outcome = base::Result<tls::CertificateRef>;

// Control's parts of one process.
struct Process {
  Process(base::Loop& loop, std::shared_ptr<MemoryStorage::Records> records)
      : storage(loop, std::move(records)) {}
  base::BlockingPool blocking{2};
  base::Resolver resolver;
  MemoryStorage storage;
  tls::CertificateStore certificates;
  ChallengeStore challenges;
  base::AbuseCounters abuse;
  std::unique_ptr<Automation> automation;
};

struct AutomationHouse : testing::Test {
  AutomationHouse() {
    config.listen.https.emplace_back();
    config.tls.issuers.emplace_back(acme("main"));
  }
  ~AutomationHouse() override {
    for (auto& process : processes) stop(*process);
  }

  static config::AcmeIssuer acme(std::string directory) {
    config::AcmeIssuer issuer;
    issuer.directory = std::move(directory);
    return issuer;
  }
  config::Site& add_site(std::vector<std::string> hosts, bool on_demand = false) {
    config::Site site;
    site.hosts = std::move(hosts);
    site.tls.on_demand = on_demand;
    config.sites.push_back(std::move(site));
    return config.sites.back();
  }
  FakeCa& ca(const std::string& id = "main") {
    auto& one = cas[id];
    if (!one) one = std::make_unique<FakeCa>(loop);
    return *one;
  }

  // A new process on the shared storage, started.
  Process& start() {
    Process& process = make();
    EXPECT_TRUE(run_task(loop, process.automation->start()));
    return process;
  }
  // One that is not, as the command line makes it.
  Process& make() {
    processes.push_back(std::make_unique<Process>(loop, records));
    Process& process = *processes.back();
    Automation::Replacements replacements;
    replacements.now = [this] { return now; };
    replacements.issuer = [this](const config::Issuer& wanted) -> std::unique_ptr<Issuer> {
      const auto* acme = std::get_if<config::AcmeIssuer>(&wanted);
      const std::string id = acme == nullptr ? "internal" : acme->directory;
      return std::make_unique<FakeIssuer>(ca(id), id, [this] { return now; });
    };
    const Automation::Parts parts{loop,
                                  process.blocking,
                                  process.resolver,
                                  process.storage,
                                  process.certificates,
                                  process.challenges,
                                  &process.abuse};
    process.automation = std::make_unique<Automation>(
        parts, std::make_shared<const config::Config>(config), std::move(replacements));
    return process;
  }
  // Ends it as SIGTERM does, or as SIGKILL: then nothing is written any more.
  void stop(Process& process) {
    if (!process.automation) return;
    for (auto& [id, one] : cas) one->go_on.set();
    run_task(loop, process.automation->stop(base::Deadline::in(base::Duration(30'000))));
    process.automation.reset();
  }

  // Lets the loop work until `condition` holds.
  template <class F>
  void until(F condition) {
    run_until(loop, std::move(condition));
  }
  // Lets the loop work until nothing is left to do right now: storage in memory and scripted
  // issuers answer within turns of the loop, except for what the blocking pool does in between.
  void settle() {
    do {
      while (loop.poll() != 0) {
      }
      for (const auto& process : processes) {
        while (!process->blocking.idle()) std::this_thread::yield();
      }
    } while (loop.poll() != 0);
  }

  Outcome ask(Process& process, const std::string& name) {
    std::optional<Outcome> answer;
    ask_into(process, name, answer);
    until([&] { return answer.has_value(); });
    return *answer;
  }
  void ask_into(Process& process, const std::string& name, std::optional<Outcome>& answer) {
    process.automation->request(name, [&answer](Outcome outcome) {
      EXPECT_FALSE(answer) << "answered twice";
      answer = std::move(outcome);
    });
  }
  // Moves the clock and lets due renewals begin.
  void pass(Process& process, std::chrono::seconds time) {
    now += time;
    process.automation->recheck();
  }
  std::optional<Failures> failures(const std::string& name) {
    const auto found = records->records.find("failures/" + name);
    if (found == records->records.end()) return std::nullopt;
    return parse_failures(found->second).value();
  }
  static std::string serial(const tls::CertificateRef& certificate) {
    return certificate ? certificate->leaf().serial : "none";
  }

  base::Loop loop;
  base::WallTime now = base::wall_now();
  config::Config config;
  std::map<std::string, std::unique_ptr<FakeCa>> cas;
  std::shared_ptr<MemoryStorage::Records> records = std::make_shared<MemoryStorage::Records>();
  std::vector<std::unique_ptr<Process>> processes;
};

}  // namespace gatehouse::certs
