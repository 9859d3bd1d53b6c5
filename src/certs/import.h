// Takes what other programs have obtained into storage, as if we had: certificates with their keys,
// and accounts, so that to move here orders nothing anew. For the command line: a server may run on
// the same storage meanwhile.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "certs/foreign.h"
#include "certs/inventory.h"
#include "certs/schedule.h"
#include "config/model.h"

namespace gatehouse::certs {

struct ImportOptions {
  bool dry_run = false;   // nothing is written
  bool force = false;     // what is in storage is replaced, however long it lasts
  std::string directory;  // URL of the CA, for what does not say whose it is; may be empty
};

// What has become of one name's certificate, of one account, or of what is neither.
enum class Fate : std::uint8_t {
  kImported,  // or would be
  kSame,      // storage has it already
  kKept,      // storage holds a better one
  kUnusable,
  kFailed,  // storage does not take it
};
std::string_view text_of(Fate fate);

struct ImportLine {
  enum class Kind : std::uint8_t { kCertificate, kAccount, kOther };
  Kind kind = Kind::kCertificate;
  Fate fate = Fate::kImported;
  std::string name;    // or an account's e-mail
  std::string issuer;  // id; empty when nothing is known
  std::string serial;
  base::WallTime not_after{};  // of certificates
  std::string from;            // for people
  std::string reason;          // why not
};

class Import {
 public:
  // Issuer id of certificates whose CA is not known.
  static constexpr std::string_view kUnknown = "imported";
  static constexpr std::size_t kMostNames = 1000;  // of one certificate
  static constexpr base::Duration kLeaseTime{10'000};

  // All outlive it.
  struct Parts {
    Inventory& inventory;
    storage::Storage& storage;
    const config::Config& config;
    WallClock now;
  };

  Import(Parts parts, ImportOptions options);

  // Checks and stores. A certificate of several names gets a record for each of them, and for the
  // sites' hosts that a wildcard in it covers. Verifies signatures on the loop's thread.
  base::Task<std::vector<ImportLine>> run(Foreign foreign);

 private:
  // A certificate that can be used, and what it is used for.
  struct Usable {
    std::string from;
    std::string issuer;
    std::string ca;  // URL of its directory; empty when nothing tells
    tls::CertificateRef certificate;
    std::vector<std::string> names;
  };
  // A CA of the configuration.
  struct Configured {
    std::string directory;
    std::string id;
    std::set<std::string> emails;
  };

  std::string issuer_of(const ForeignOrigin& origin) const;
  std::string directory_of(const ForeignOrigin& origin, std::string_view issuer) const;
  const Configured* configured(std::string_view id) const;
  std::vector<std::string> names_of(const tls::Certificate& certificate) const;
  base::Result<Usable> check(const ForeignCertificate& foreign) const;
  std::vector<std::string> emails_of(const ForeignAccount& account,
                                     const std::string& issuer) const;
  std::string label_of(const tls::Certificate& certificate, const std::string& name) const;
  base::Task<ImportLine> take(const Usable& usable, const std::string& name);
  base::Task<base::Result<void>> store(const Usable& usable, const std::string& name);
  base::Task<void> take_accounts(std::vector<ForeignAccount> accounts,
                                 std::vector<ImportLine>& lines);
  base::Task<void> take(const ForeignAccount& account, const std::string& email, ImportLine& line);

  Parts parts_;
  ImportOptions options_;
  std::vector<Configured> configured_;
  std::map<std::string, base::WallTime> taken_;  // certificates by issuer and name; accounts
  std::vector<std::string> stored_;              // labels
};

}  // namespace gatehouse::certs
