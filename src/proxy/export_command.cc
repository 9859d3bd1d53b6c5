#include "proxy/export_command.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "certs/inventory.h"
#include "certs/key_types.h"
#include "certs/moment.h"
#include "proxy/commands.h"
#include "proxy/own_loop.h"
#include "storage/file_record.h"

namespace gatehouse::proxy {

namespace {

namespace fs = std::filesystem;

// The record that lasts longest of those that were not revoked, whoever signed them.
base::Task<base::Result<certs::Record>> find_record(certs::Inventory& inventory,
                                                    std::string label) {
  auto found = co_await inventory.load_imported(label);
  if (found && found->revoked) found = base::fail(base::Code::kNotFound, "it was revoked");
  auto issuers = co_await inventory.list_issuers();
  if (!issuers) co_return base::fail(std::move(issuers.error()));
  for (const std::string& issuer : *issuers) {
    auto record = co_await inventory.load(issuer, label);
    if (!record || record->revoked) continue;
    const bool longer =
        !found || record->certificate->leaf().not_after > found->certificate->leaf().not_after;
    if (longer) found = std::move(record);
  }
  co_return found;
}

// That under the name, and the RSA one where the name has, or had, one of each kind of key.
base::Result<std::vector<certs::Record>> records_of(const config::Config& config,
                                                    const std::string& name) {
  OwnLoop own(config);
  certs::Inventory inventory(own.blocking(), own.storage());
  std::vector<certs::Record> records;
  auto found = own.run(find_record(inventory, name));
  if (found) records.push_back(std::move(*found));
  if (!certs::is_rsa_label(name)) {
    auto rsa = own.run(find_record(inventory, certs::rsa_label(name)));
    if (rsa) records.push_back(std::move(*rsa));
  }
  if (!records.empty()) return records;
  return base::fail(found.error().code, "no certificate of \"" + name + "\" in " +
                                            own.storage().root().string() + ": " +
                                            found.error().detail);
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
  const auto records = records_of(config, name_);
  if (!records) return say_error(records.error().detail);
  for (const certs::Record& record : *records) {
    const int status = write(record);
    if (status != 0) return status;
  }
  return 0;
}

int ExportCommand::write(const certs::Record& record) const {
  const std::string chain = record.certificate->chain_pem();
  const std::string key = record.certificate->key().pem();
  if (to_stdout_) {
    std::cout << chain << key;
    return 0;
  }
  std::error_code error;
  const fs::path folder(folder_);
  fs::create_directories(folder, error);
  const std::string mark = record.rsa_of_two ? "_rsa.pem" : ".pem";
  const fs::path key_file = folder / ("privkey" + mark);
  const fs::path chain_file = folder / ("fullchain" + mark);
  const auto key_written = storage::write_whole(key_file, key, 0600);
  if (!key_written) return say_error(key_written.error().detail);
  const auto chain_written = storage::write_whole(chain_file, chain, 0644);
  if (!chain_written) return say_error(chain_written.error().detail);
  std::cout << "wrote " << chain_file.string() << " and " << key_file.string() << ": " << name_
            << ", signed by " << record.issuer << ", until "
            << certs::text_of(record.certificate->leaf().not_after) << " UTC\n";
  return 0;
}

}  // namespace gatehouse::proxy
