#include "proxy/commands.h"

#include <fcntl.h>
#include <llhttp.h>
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <boost/version.hpp>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/log.h"
#include "certs/internal_issuer.h"
#include "certs/startup.h"
#include "config/keys.h"
#include "config/load.h"
#include "proxy/account_command.h"
#include "proxy/certificates_command.h"
#include "proxy/client_auths.h"
#include "proxy/embedded_default.h"
#include "proxy/export_command.h"
#include "proxy/health_check.h"
#include "proxy/import_command.h"
#include "proxy/revoke_command.h"
#include "proxy/server.h"
#include "proxy/upstream_contexts.h"
#include "storage/file_descriptor.h"

namespace gatehouse::proxy {

int say_error(const std::string& what, int status) {
  std::cerr << "gatehouse: " << what << "\n";
  return status;
}

namespace {

namespace log = base::log;

constexpr std::size_t kMostConfig = 16 * 1024 * 1024;  // bytes of a configuration

// A configuration as it was given: from a file, standard input, or the embedded default.
struct Given {
  std::string name;
  std::string text;
  int sample_fd = -1;  // of the embedded default
};

std::string config_path(const std::string& option) {
  if (!option.empty()) return option;
  const char* from_environment = std::getenv("GATEHOUSE_CONFIG");
  return from_environment == nullptr ? "" : from_environment;
}

// What stands in a file; "-" is standard input.
base::Result<std::string> read_whole(const std::string& path) {
  const storage::FileDescriptor file(path == "-" ? ::dup(STDIN_FILENO)
                                                 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 16 * 1024> piece;
  ssize_t got = file ? 1 : -1;
  while (got > 0) {
    got = ::read(file.get(), piece.data(), piece.size());
    if (got > 0) text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > kMostConfig) {
      return base::fail(base::Code::kTooLarge, path + " is too large for a configuration");
    }
  }
  if (got == 0) return text;
  return base::fail(
      base::from_errno(errno, base::Side::kLocal, "cannot read the configuration " + path));
}

base::Result<Given> read_given(const std::string& path) {
  Given given;
  given.name = path == "-" ? "standard input" : path;
  if (path.empty()) {
    given.name = "embedded default";
    auto listener = base::listen_on(*base::Endpoint::from_ip("127.0.0.1", 0), false);
    if (!listener) return base::fail(std::move(listener.error()));
    given.sample_fd = *listener;
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    ::getsockname(*listener, reinterpret_cast<sockaddr*>(&address), &length);
    given.text =
        embedded_default(base::Endpoint(reinterpret_cast<sockaddr*>(&address), length).port());
    return given;
  }
  auto text = read_whole(path);
  if (!text) return base::fail(std::move(text.error()));
  given.text = std::move(*text);
  return given;
}

// The checked configuration, or nothing after its errors were written.
std::optional<config::Config> checked(const Given& given) {
  auto loaded = config::load(given.text, config::process_environment);
  if (loaded) return std::move(*loaded);
  std::cerr << config::render(given.name, loaded.error());
  return std::nullopt;
}

log::Level level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::kDebug: return log::Level::kDebug;
    case config::LogLevel::kInfo: return log::Level::kInfo;
    case config::LogLevel::kWarn: return log::Level::kWarn;
    case config::LogLevel::kError: return log::Level::kError;
  }
  return log::Level::kInfo;
}

void configure_log(const config::Log& options) {
  bool json = options.format == config::LogFormat::kJson;
  if (options.format == config::LogFormat::kAuto) json = ::isatty(STDERR_FILENO) == 0;
  log::configure(level_of(options.level), json ? log::Format::kJson : log::Format::kText);
}

int run(const std::string& option) {
  auto given = read_given(config_path(option));
  if (!given) {
    say_error(given.error().detail);
    return kWrong;
  }
  auto config = checked(*given);
  if (!config) return kWrong;
  std::string().swap(given->text);  // megabytes, with thousands of sites
  configure_log(config->log);
  const bool is_default = given->sample_fd >= 0;
  const auto folder =
      config->storage.path.empty() ? config::default_data_folder() : config->storage.path;
  Server server(std::move(*config));
  if (is_default) server.with_sample(given->sample_fd);
  auto prepared = server.prepare();
  if (prepared && is_default) prepared = server.export_root(folder + "/internal-root.pem");
  if (!prepared) {
    log::flush_and_stop();
    return say_error(prepared.error().detail);
  }
  std::cout << server.listening_lines();
  if (is_default) std::cout << trial_hint(folder + "/internal-root.pem");
  std::cout << std::flush;
  ::malloc_trim(0);  // reading it has taken several times what is kept of it
  server.run();
  log::info("stopped");
  log::flush_and_stop();
  return kWell;
}

// What run() refuses for the certificates, keys and roots that a configuration names: a line each.
std::string wrong_files(const config::Config& config, const std::string& name) {
  std::string wrong;
  const auto note = [&](const auto& result) {
    if (result) return;
    std::istringstream lines(result.error().detail);
    for (std::string line; std::getline(lines, line);) wrong += name + ": " + line + "\n";
  };
  tls::CertificateStore certificates;
  note(certs::load_certificate_files(config, certificates));
  note(certs::check_trust_files(config));
  note(ClientAuths::load(config));
  note(UpstreamContexts::load(config));
  return wrong;
}

int validate(const std::string& option) {
  const auto path = config_path(option);
  if (path.empty()) {
    return say_error("validate needs --config FILE (or - for standard input)", kWrong);
  }
  auto given = read_given(path);
  if (!given) {
    say_error(given.error().detail);
    return kWrong;
  }
  const auto config = checked(*given);
  if (!config) return kWrong;
  const auto wrong = wrong_files(*config, given->name);
  log::flush_and_stop();  // a file that can be used may still be one to warn of
  std::cerr << wrong;
  if (!wrong.empty()) return kFailed;
  std::cout << given->name << ": well\n";
  return kWell;
}

int version() {
  std::cout << "gatehouse " GATEHOUSE_VERSION "\n"
            << "BoringSSL " GATEHOUSE_BORINGSSL_VERSION "\n"
            << "llhttp " << LLHTTP_VERSION_MAJOR << "." << LLHTTP_VERSION_MINOR << "."
            << LLHTTP_VERSION_PATCH << "\n"
            << "Boost " << BOOST_VERSION / 100000 << "." << BOOST_VERSION / 100 % 1000 << "\n"
            << "nlohmann/json " << NLOHMANN_JSON_VERSION_MAJOR << "." << NLOHMANN_JSON_VERSION_MINOR
            << "." << NLOHMANN_JSON_VERSION_PATCH << "\n"
            << "compiler " __VERSION__ "\n";
  return kWell;
}

// A configuration, or what holds without any; nothing after its errors were written.
std::optional<config::Config> config_or_default(const std::string& option) {
  const auto path = config_path(option);
  if (path.empty()) return config::Config();
  auto given = read_given(path);
  if (!given) {
    say_error(given.error().detail);
    return std::nullopt;
  }
  return checked(*given);
}

// The storage folder of a configuration, or the default one.
std::optional<std::string> storage_folder(const std::string& option) {
  const auto config = config_or_default(option);
  if (!config) return std::nullopt;
  return config->storage.path.empty() ? config::default_data_folder() : config->storage.path;
}

base::Result<std::string> root_in(const std::string& folder) {
  base::BlockingPool blocking(1);
  base::Loop loop;
  storage::FileStorage storage(loop, blocking, folder);
  if (auto opened = storage.open(); !opened) return base::fail(std::move(opened.error()));
  base::Result<std::string> pem;
  const auto ask = [](base::Loop& on, base::BlockingPool& pool, storage::Storage& from,
                      base::Result<std::string>& out) -> base::Task<void> {
    out = co_await certs::internal_root_pem(on, pool, from);
    on.stop();
  };
  loop.spawn(ask(loop, blocking, storage, pem), "read the internal root");
  loop.run();
  blocking.join();
  return pem;
}

int install_root(const std::string& pem, const std::string& folder) {
  static constexpr const char* kFile = "/usr/local/share/ca-certificates/gatehouse-internal.crt";
  if (::geteuid() != 0) {
    return say_error("trust --install writes the system's trust store: run it as root");
  }
  std::ofstream out(kFile, std::ios::trunc);
  out << pem;
  out.close();
  if (!out) return say_error(std::string("cannot write ") + kFile);
  if (std::system("update-ca-certificates >&2") != 0) {
    return say_error("update-ca-certificates failed; is the package ca-certificates installed?");
  }
  std::cout << "installed the root of " << folder << " as " << kFile << "\n";
  return kWell;
}

int trust(const std::string& option, bool install) {
  const auto folder = storage_folder(option);
  if (!folder) return kWrong;
  const auto pem = root_in(*folder);
  if (!pem) return say_error(pem.error().detail);
  if (install) return install_root(*pem, *folder);
  std::cout << *pem;
  return kWell;
}

int healthcheck(const std::string& option) {
  const auto config = given_config(option);
  if (!config) return kWrong;
  const auto healthy = check_health(*config);
  if (!healthy) return say_error("not healthy: " + healthy.error().detail);
  std::cout << "healthy\n";
  return kWell;
}

// A word that works on storage, with its configuration.
template <class Command>
int run_with_config(const Command& command, const std::string& option) {
  const auto config = config_or_default(option);
  if (!config) return kWrong;
  const int status = command.run(*config);
  log::flush_and_stop();
  return status;
}

int run_word(int argc, char** argv) {
  CLI::App app{"gatehouse: a reverse proxy that gets its certificates by itself"};
  app.require_subcommand(1);
  std::string config;
  bool install = false;
  const auto add = [&](const char* name, const char* what) {
    auto* command = app.add_subcommand(name, what);
    command->add_option("-c,--config", config,
                        "configuration file, - for standard input; else $GATEHOUSE_CONFIG");
    return command;
  };
  auto* serve_word = add("run", "serve; without a configuration, an embedded default to try");
  auto* validate_word = add("validate", "check a configuration and say all that is wrong with it");
  auto* trust_word = add("trust", "print the internal CA's root certificate");
  trust_word->add_flag("--install", install, "put it into this system's trust store");
  auto* health_word = add("healthcheck", "ask the running gatehouse whether it serves");
  std::function<int()> chosen;
  auto* certificates_word = add_certificates_command(app, config, chosen);
  const ImportCommand import_word(*certificates_word, config);
  const ExportCommand export_word(*certificates_word, config);
  const RevokeCommand revoke_word(*certificates_word, config);
  const AccountCommand account_word(app, config);
  auto* version_word = app.add_subcommand("version", "print versions");
  auto* schema_word = app.add_subcommand("schema", "print the configuration's JSON Schema");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kWell : kWrong;
  }
  if (chosen) return chosen();
  if (*serve_word) return run(config);
  if (*validate_word) return validate(config);
  if (*trust_word) return trust(config, install);
  if (*health_word) return healthcheck(config);
  if (import_word.is_chosen()) return run_with_config(import_word, config);
  if (export_word.is_chosen()) return run_with_config(export_word, config);
  if (revoke_word.is_chosen()) return run_with_config(revoke_word, config);
  if (account_word.is_chosen()) return run_with_config(account_word, config);
  if (*version_word) return version();
  if (*schema_word) std::cout << config::config_schema().dump(2) << "\n";
  return kWell;
}

}  // namespace

std::optional<config::Config> given_config(const std::string& option) {
  auto given = read_given(config_path(option));
  if (!given) {
    say_error(given.error().detail);
    return std::nullopt;
  }
  if (given->sample_fd >= 0) ::close(given->sample_fd);
  return checked(*given);
}

int run_command_line(int argc, char** argv) {
  try {
    return run_word(argc, argv);
  } catch (const std::exception& error) {
    return say_error(error.what());
  }
}

}  // namespace gatehouse::proxy
