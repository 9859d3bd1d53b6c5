#include "proxy/import_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <nlohmann/json.hpp>

#include "certs/foreign_files.h"
#include "certs/moment.h"
#include "proxy/admin_client.h"
#include "proxy/commands.h"
#include "proxy/own_loop.h"

namespace gatehouse::proxy {

namespace {

using certs::Fate;
using certs::ImportLine;
using Kind = ImportLine::Kind;

std::string_view kind_text(Kind kind) {
  switch (kind) {
    case Kind::kCertificate: return "certificate";
    case Kind::kAccount: return "account";
    case Kind::kOther: return "";
  }
  return "";
}

nlohmann::json json_of(const ImportLine& line) {
  nlohmann::json object = {{"fate", certs::text_of(line.fate)}, {"from", line.from}};
  if (line.kind != Kind::kOther) object["kind"] = kind_text(line.kind);
  if (line.kind != Kind::kOther) object["name"] = line.name;
  if (!line.issuer.empty()) object["issuer"] = line.issuer;
  if (!line.serial.empty()) object["serial"] = line.serial;
  if (line.kind == Kind::kCertificate) object["not_after"] = certs::text_of(line.not_after);
  if (!line.reason.empty()) object["reason"] = line.reason;
  return object;
}

using Row = std::array<std::string, 5>;

Row row_of(const ImportLine& line) {
  if (line.kind == Kind::kOther) return {"", line.from, "", "", std::string(text_of(line.fate))};
  std::string until;
  if (line.kind == Kind::kCertificate) until = certs::text_of(line.not_after);
  const std::string name = line.name.empty() ? "(no e-mail)" : line.name;
  return {std::string(kind_text(line.kind)), name, line.issuer, until,
          std::string(text_of(line.fate))};
}

// Columns as wide as what is in them, the last one free.
void print_table(const std::vector<ImportLine>& lines) {
  std::vector<Row> rows{{"WHAT", "NAME", "ISSUER", "UNTIL (UTC)", "FATE"}};
  for (const ImportLine& line : lines) rows.push_back(row_of(line));
  std::array<std::size_t, 5> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (std::size_t at = 0; at < rows.size(); ++at) {
    std::string text;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      text += rows[at][i] + std::string(widths[i] - rows[at][i].size() + 2, ' ');
    }
    const std::string reason = at == 0 ? "" : lines[at - 1].reason;
    text += reason;
    while (text.ends_with(' ')) text.pop_back();
    std::cout << text << "\n";
  }
}

std::size_t count_of(const std::vector<ImportLine>& lines, Fate fate) {
  return static_cast<std::size_t>(std::ranges::count(lines, fate, &ImportLine::fate));
}

// What is printed after the table.
std::string sum_of(const std::vector<ImportLine>& lines, bool dry_run) {
  std::string text = std::to_string(count_of(lines, Fate::kImported)) +
                     (dry_run ? " would be imported" : " imported");
  for (const Fate fate : {Fate::kSame, Fate::kKept, Fate::kUnusable, Fate::kFailed}) {
    if (const auto some = count_of(lines, fate); some != 0) {
      text += ", " + std::to_string(some) + " " + std::string(text_of(fate));
    }
  }
  return text;
}

// Names whose certificates are new in storage.
std::vector<std::string> changed_names(const std::vector<ImportLine>& lines) {
  std::vector<std::string> names;
  for (const ImportLine& line : lines) {
    const bool changed = line.kind == Kind::kCertificate && line.fate == Fate::kImported;
    if (changed) names.push_back(line.name);
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

base::Result<std::vector<ImportLine>> import_into(const config::Config& config,
                                                  certs::Foreign foreign,
                                                  const certs::ImportOptions& options) {
  OwnLoop own(config);
  if (!options.dry_run) {
    if (auto opened = own.open(); !opened) return base::fail(std::move(opened.error()));
  }
  certs::Inventory inventory(own.blocking(), own.storage());
  certs::Import importing(certs::Import::Parts{inventory, own.storage(), config, &base::wall_now},
                          options);
  return own.run(importing.run(std::move(foreign)));
}

}  // namespace

ImportCommand::ImportCommand(CLI::App& certificates, std::string& config)
    : word_(certificates.add_subcommand(
          "import", "take certificates and accounts of other programs into storage")) {
  word_->add_option("-c,--config", config,
                    "configuration file, - for standard input; else $GATEHOUSE_CONFIG");
  word_->add_option("--certificate", certificates_, "PEM chain, leaf first; goes with --key")
      ->allow_extra_args(false);
  word_->add_option("--key", keys_, "PEM private key")->allow_extra_args(false);
  word_->add_option("--certbot", certbot_, "certbot's folder: /etc/letsencrypt");
  word_->add_option("--lego", lego_, "lego's folder: .lego");
  word_->add_option("--caddy", caddy_, "Caddy's data folder: /var/lib/caddy/.local/share/caddy");
  word_->add_option("--traefik", traefik_, "Traefik's acme.json");
  word_->add_option("--directory", options_.directory,
                    "URL of the CA's directory, for what does not say whose it is");
  word_->add_flag("--force", options_.force, "replace what storage has, however long it lasts");
  word_->add_flag("--dry-run", options_.dry_run, "show what would be done, and do nothing");
  word_->add_flag("--json", json_, "print JSON");
}

bool ImportCommand::is_chosen() const { return word_->parsed(); }

base::Result<certs::Foreign> ImportCommand::read() const {
  certs::Foreign all;
  if (certificates_.size() != keys_.size()) {
    return base::fail(base::Code::kMalformed, "import needs a --key for each --certificate");
  }
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    certs::add_pair(certificates_[i], keys_[i], certs::ForeignOrigin(), all);
  }
  struct Source {
    const std::string& path;
    base::Result<certs::Foreign> (*read)(const std::string&);
  };
  bool any = !keys_.empty();
  for (const Source& source :
       {Source{certbot_, certs::read_certbot}, Source{lego_, certs::read_lego},
        Source{caddy_, certs::read_caddy}, Source{traefik_, certs::read_traefik}}) {
    if (source.path.empty()) continue;
    any = true;
    auto found = source.read(source.path);
    if (!found) return base::fail(std::move(found.error()));
    std::ranges::move(found->certificates, std::back_inserter(all.certificates));
    std::ranges::move(found->accounts, std::back_inserter(all.accounts));
    std::ranges::move(found->rest, std::back_inserter(all.rest));
  }
  if (any) return all;
  return base::fail(
      base::Code::kMalformed,
      "import needs --certificate and --key, --certbot, --lego, --caddy or --traefik");
}

int ImportCommand::run(const config::Config& config) const {
  auto foreign = read();
  if (!foreign) return say_error(foreign.error().detail);
  const auto lines = import_into(config, std::move(*foreign), options_);
  if (!lines) return say_error(lines.error().detail);
  const auto names = options_.dry_run ? std::vector<std::string>() : changed_names(*lines);
  base::Result<Told> told = Told::kNotRunning;
  if (!names.empty()) told = tell_of_changes(config, names);
  const bool knows = told && *told == Told::kYes;
  if (json_) {
    nlohmann::json object = {{"dry_run", options_.dry_run}, {"told", knows}};
    object["entries"] = nlohmann::json::array();
    for (const ImportLine& line : *lines) object["entries"].push_back(json_of(line));
    std::cout << object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  } else {
    print_table(*lines);
    std::cout << sum_of(*lines, options_.dry_run) << "\n";
    if (knows) std::cout << "the gatehouse that runs has been told\n";
  }
  if (!told) {
    return say_error("the gatehouse that runs could not be told: " + told.error().detail);
  }
  const bool useless = count_of(*lines, Fate::kUnusable) == lines->size();
  return useless || count_of(*lines, Fate::kFailed) != 0 ? 1 : 0;
}

}  // namespace gatehouse::proxy
