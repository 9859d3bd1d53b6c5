#include "proxy/export_command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "certs/inventory.h"
#include "certs/moment.h"
#include "proxy/commands.h"
#include "proxy/own_loop.h"
#include "storage/file_descriptor.h"

namespace gatehouse::proxy {

namespace {

namespace fs = std::filesystem;

// The record that lasts longest of those that were not revoked, whoever signed them.
base::Task<base::Result<certs::Record>> find_record(certs::Inventory& inventory, std::string name) {
  auto found = co_await inventory.load_imported(name);
  if (found && found->revoked) found = base::fail(base::Code::kNotFound, "it was revoked");
  auto issuers = co_await inventory.list_issuers();
  if (!issuers) co_return base::fail(std::move(issuers.error()));
  for (const std::string& issuer : *issuers) {
    auto record = co_await inventory.load(issuer, name);
    if (!record || record->revoked) continue;
    const bool longer =
        !found || record->certificate->leaf().not_after > found->certificate->leaf().not_after;
    if (longer) found = std::move(record);
  }
  co_return found;
}

base::Result<certs::Record> record_of(const config::Config& config, const std::string& name) {
  OwnLoop own(config);
  certs::Inventory inventory(own.blocking(), own.storage());
  auto found = own.run(find_record(inventory, name));
  if (found) return found;
  return base::fail(found.error().code, "no certificate of \"" + name + "\" in " +
                                            own.storage().root().string() + ": " +
                                            found.error().detail);
}

// In a draft beside it (0600 as long as it is one), which is renamed.
base::Result<> write_whole(const fs::path& file, const std::string& text, mode_t mode) {
  std::string draft = file.string() + ".XXXXXX";
  const auto failed = [&] {
    auto error = base::from_errno(errno, base::Side::kLocal, "cannot write " + file.string());
    ::unlink(draft.c_str());
    return base::fail(std::move(error));
  };
  const storage::FileDescriptor out(::mkstemp(draft.data()));
  if (!out) return failed();
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t wrote = ::write(out.get(), text.data() + at, text.size() - at);
    if (wrote < 0) return failed();
    at += static_cast<std::size_t>(wrote);
  }
  if (::fchmod(out.get(), mode) != 0 || ::fsync(out.get()) != 0) return failed();
  if (::rename(draft.c_str(), file.c_str()) != 0) return failed();
  return {};
}

}  // namespace

ExportCommand::ExportCommand(CLI::App& certificates, std::string& config)
    : word_(certificates.add_subcommand("export", "write a certificate and its key as PEM files")) {
  word_->add_option("-c,--config", config,
                    "configuration file, - for standard input; else $GATEHOUSE_CONFIG");
  word_->add_option("name", name_, "the certificate's name: a.example, or *.a.example")->required();
  word_->add_option("--out", folder_, "where fullchain.pem and privkey.pem are written; else here");
  word_->add_flag("--stdout", to_stdout_, "print both instead");
}

bool ExportCommand::is_chosen() const { return word_->parsed(); }

int ExportCommand::run(const config::Config& config) const {
  const auto record = record_of(config, name_);
  if (!record) return say_error(record.error().detail);
  const std::string chain = record->certificate->chain_pem();
  const std::string key = record->certificate->key().pem();
  if (to_stdout_) {
    std::cout << chain << key;
    return 0;
  }
  std::error_code error;
  const fs::path folder(folder_);
  fs::create_directories(folder, error);
  const auto key_written = write_whole(folder / "privkey.pem", key, 0600);
  if (!key_written) return say_error(key_written.error().detail);
  const auto chain_written = write_whole(folder / "fullchain.pem", chain, 0644);
  if (!chain_written) return say_error(chain_written.error().detail);
  std::cout << "wrote " << (folder / "fullchain.pem").string() << " and "
            << (folder / "privkey.pem").string() << ": " << name_ << ", signed by "
            << record->issuer << ", until " << certs::text_of(record->certificate->leaf().not_after)
            << " UTC\n";
  return 0;
}

}  // namespace gatehouse::proxy
