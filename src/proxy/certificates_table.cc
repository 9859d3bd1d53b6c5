#include "proxy/certificates_table.h"

#include <algorithm>
#include <array>
#include <vector>

namespace gatehouse::proxy {

namespace {

constexpr std::size_t kColumns = 6;
using TableRow = std::array<std::string, kColumns>;

std::string shown(std::string text) {
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

// Text, a number or a list of texts; empty for null.
std::string cell_of(const AdminJson& certificate, const char* key) {
  const auto found = certificate.find(key);
  if (found == certificate.end() || found->is_null()) return "";
  if (found->is_string()) return shown(found->get<std::string>());
  if (!found->is_array()) return shown(found->dump());
  std::string all;
  for (const auto& one : *found) {
    all += (all.empty() ? "" : ", ") + (one.is_string() ? shown(one.get<std::string>()) : "?");
  }
  return all;
}

std::string issuer_of(const AdminJson& certificate) {
  const bool former = certificate.value("former_issuer", false);
  return cell_of(certificate, "issuer") + (former ? " (former)" : "");
}

TableRow row_of(const AdminJson& certificate) {
  std::string state = cell_of(certificate, "state");
  const std::string failures = cell_of(certificate, "failures");
  const std::string next = cell_of(certificate, "next_attempt");
  if (!next.empty()) state += ", " + failures + " failed, again " + next;
  return {cell_of(certificate, "name"),    cell_of(certificate, "key_type"),
          issuer_of(certificate),          cell_of(certificate, "not_after"),
          cell_of(certificate, "renewal"), std::move(state)};
}

}  // namespace

std::string certificates_table(const AdminJson& certificates) {
  std::vector<TableRow> rows{{"NAME", "KEY", "ISSUER", "EXPIRES", "RENEWAL", "STATE"}};
  for (const auto& one : certificates) {
    rows.push_back(row_of(one));
    for (const auto& other : one.value("others", AdminJson())) rows.push_back(row_of(other));
  }
  std::array<std::size_t, kColumns> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (auto& row : rows) {
    for (std::size_t i = 0; i + 1 < kColumns; ++i) {
      const std::string cell = row[i].empty() ? "-" : row[i];
      text += cell + std::string(widths[i] + 2 - std::min(cell.size(), widths[i] + 1), ' ');
    }
    text += row.back() + "\n";
  }
  return text;
}

std::string certificate_lines(const AdminJson& certificate) {
  struct Line {
    const char* key;
    const char* title;
  };
  static constexpr std::array kLines{Line{"name", "name"},
                                     Line{"state", "state"},
                                     Line{"source", "source"},
                                     Line{"names", "names"},
                                     Line{"issuer", "issuer"},
                                     Line{"issued_by", "issued by"},
                                     Line{"serial", "serial"},
                                     Line{"key_type", "key"},
                                     Line{"not_before", "valid from"},
                                     Line{"not_after", "expires"},
                                     Line{"renewal", "renewal"},
                                     Line{"stapled_until", "stapled to"},
                                     Line{"failures", "failures"},
                                     Line{"last_error", "last error"},
                                     Line{"next_attempt", "next try"}};
  std::string text;
  for (const Line& line : kLines) {
    const bool issuer = line.key == std::string_view("issuer");
    const std::string value = issuer ? issuer_of(certificate) : cell_of(certificate, line.key);
    if (value.empty() || (line.key == std::string_view("failures") && value == "0")) continue;
    std::string title = std::string(line.title) + ":";
    title.resize(12, ' ');
    text += title + value + "\n";
  }
  const auto others = certificate.find("others");
  if (others == certificate.end() || !others->is_array()) return text;
  for (const auto& other : *others) text += "\n" + certificate_lines(other);
  return text;
}

}  // namespace gatehouse::proxy
