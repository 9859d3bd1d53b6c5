#include "proxy/export_command.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "certs/inventory.h"
#include "certs/key_types.h"
#include "certs/moment.h"
#include "proxy/commands.h"
#include "proxy/given_name.h"
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
    const bool longer = !found || record->not_after() > found->not_after();
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
  word_->add_option("name", name_, "the certificate's name: a.example, or *.a.example")
      ->required()
      ->transform(given_name);
  word_->add_option("--out", folder_, "where fullchain.pem and privkey.pem are written; else here");
  word_->add_flag("--stdout", to_stdout_, "print both instead");
  word_->add_flag("--json", json_, "say for programs what was written");
}

bool ExportCommand::is_chosen() const { return word_->parsed(); }

int ExportCommand::run(const config::Config& config) const {
  const auto records = records_of(config, name_);
  if (!records) return say_error(records.error().detail);
  nlohmann::json list = nlohmann::json::array();
  for (const certs::Record& record : *records) {
    const std::string chain = record.certificate->chain_pem();
    const std::string key = record.certificate->key().pem();
    if (to_stdout_) {
      std::cout << chain << key;
      continue;
    }
    const auto files = write(record, chain, key);
    if (!files) return say_error(files.error().detail);
    const std::string until = certs::text_of(record.not_after());
    list.push_back({{"name", name_},
                    {"issuer", record.issuer},
                    {"not_after", certs::timestamp_of(record.not_after())},
                    {"chain", files->chain.string()},
                    {"key", files->key.string()}});
    if (json_) continue;
    std::cout << "wrote " << files->chain.string() << " and " << files->key.string() << ": "
              << name_ << ", signed by " << record.issuer << ", until " << until << " UTC\n";
  }
  if (json_) std::cout << list.dump(1) << "\n";
  return 0;
}

base::Result<ExportCommand::Files> ExportCommand::write(const certs::Record& record,
                                                        const std::string& chain,
                                                        const std::string& key) const {
  std::error_code error;
  const fs::path folder(folder_);
  fs::create_directories(folder, error);
  const std::string mark = record.rsa_of_two ? "_rsa.pem" : ".pem";
  Files files{folder / ("fullchain" + mark), folder / ("privkey" + mark)};
  auto key_written = storage::write_whole(files.key, key, 0600);
  if (!key_written) return base::fail(std::move(key_written.error()));
  auto chain_written = storage::write_whole(files.chain, chain, 0644);
  if (!chain_written) return base::fail(std::move(chain_written.error()));
  return files;
}

}  // namespace gatehouse::proxy
