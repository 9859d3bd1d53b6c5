#include "certs/own_certificates.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "certs/compromised_keys.h"
#include "certs/moment.h"
#include "certs/startup.h"
#include "storage/file_descriptor.h"

namespace gatehouse::certs {

namespace {

namespace fs = std::filesystem;
namespace log = base::log;

constexpr int kLinks = 8;               // symbolic links one after another that are looked at
constexpr std::size_t kShownNames = 8;  // names in one line of the log
constexpr int kExpired = 4;

// What a look at two files has found.
struct Found {
  std::size_t state = 0;                                  // a hash of what the file system says
  std::optional<base::Result<tls::CertificateRef>> read;  // nothing: they are as before
};

// What changes when a file does, or when another takes its place. Nothing for what is no file: to
// read a pipe might wait for ever.
std::optional<std::string> state_of(const std::string& file) {
  struct stat at{};
  if (::stat(file.c_str(), &at) != 0) return "none;";
  if (!S_ISREG(at.st_mode)) return std::nullopt;
  std::string state;
  for (const auto part :
       {static_cast<std::int64_t>(at.st_dev), static_cast<std::int64_t>(at.st_ino),
        static_cast<std::int64_t>(at.st_size), static_cast<std::int64_t>(at.st_mtim.tv_sec),
        static_cast<std::int64_t>(at.st_mtim.tv_nsec), static_cast<std::int64_t>(at.st_ctim.tv_sec),
        static_cast<std::int64_t>(at.st_ctim.tv_nsec)}) {
    state += std::to_string(part) + ",";
  }
  return state + ";";
}

// The folder that a file lies in, and those of the links that lead to it: Kubernetes exchanges a
// link to a folder beside the files, certbot the links themselves.
void watch_around(int events, fs::path file) {
  for (int links = 0; links <= kLinks; ++links) {
    base::watch_folder(events, file.has_parent_path() ? file.parent_path().string() : ".");
    std::error_code none;
    const fs::path to = fs::read_symlink(file, none);
    if (none) break;
    file = to.is_absolute() ? to : file.parent_path() / to;
  }
}

// Blocks.
base::Result<Found> look_at_files(const config::CertificateFiles& files, std::size_t seen,
                                  int events) {
  watch_around(events, files.file);
  watch_around(events, files.key);
  Found found;
  const auto chain = state_of(files.file);
  const auto key = state_of(files.key);
  if (!chain || !key) return found;
  found.state = std::hash<std::string>()(*chain + *key);
  if (found.state != seen) found.read = read_certificate_files(files);
  return found;
}

std::string shown_names(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kShownNames); ++i) {
    out += (i == 0 ? "" : " ") + names[i];
  }
  if (names.size() > kShownNames)
    out += " and " + std::to_string(names.size() - kShownNames) + " more";
  return out;
}

bool same_chain(const tls::CertificateRef& a, const tls::CertificateRef& b) {
  return a && b && a->chain_pem() == b->chain_pem();
}

}  // namespace

int expiry_stage(const tls::LeafFacts& leaf, base::WallTime now) {
  if (leaf.not_after <= now) return kExpired;
  constexpr std::array<std::chrono::days, 3> kBefore{std::chrono::days(30), std::chrono::days(7),
                                                     std::chrono::days(1)};
  int stage = 0;
  for (std::size_t i = 0; i < kBefore.size(); ++i) {
    const bool counts = leaf.not_after - leaf.not_before > 2 * kBefore[i];
    if (counts && leaf.not_after - now <= kBefore[i]) stage = static_cast<int>(i) + 1;
  }
  return stage;
}

OwnCertificates::OwnCertificates(Parts parts, const config::Config& config)
    : parts_(std::move(parts)), config_(config), events_(parts_.loop), stopping_(parts_.loop) {
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> places;
  for (const config::Site& site : config.sites) {
    if (!site.tls.enabled) continue;
    for (const config::CertificateFiles& files : site.tls.certificate) {
      const auto [place, is_new] = places.try_emplace({files.file, files.key}, pairs_.size());
      if (is_new) pairs_.emplace_back().files = &files;
      pairs_[place->second].sites.push_back(&site);
    }
  }
}

base::Task<void> OwnCertificates::run() {
  if (pairs_.empty()) co_return;
  while (!stopping_.is_set()) {
    look_again_ = false;
    events_.forget();
    co_await look();
    if (look_again_ || stopping_.is_set()) continue;
    const base::Deadline next = next_look();
    const auto happened = co_await events_.wait(next);
    if (!happened) continue;
    // Whatever is told meanwhile is seen by the same look.
    const base::Deadline gathered = base::Deadline::in(kGather);
    (void)co_await stopping_.wait(gathered);
  }
}

void OwnCertificates::recheck() {
  look_again_ = true;
  events_.interrupt();
}

void OwnCertificates::stop() {
  stopping_.set();
  events_.interrupt();
}

base::Deadline OwnCertificates::next_look() const {
  base::Deadline next = base::Deadline::in(parts_.look);
  for (const Pair& pair : pairs_) {
    if (pair.wrong.empty() || pair.told_wrong) continue;
    next = next.min(base::Deadline(pair.wrong_since + parts_.settle));
  }
  return next;
}

base::Task<void> OwnCertificates::look() {
  for (Pair& pair : pairs_) {
    if (stopping_.is_set()) co_return;
    co_await look_at(pair);
  }
}

base::Task<void> OwnCertificates::look_at(Pair& pair) {
  auto events = std::make_shared<storage::FileDescriptor>(events_.duplicate());
  auto call = [files = *pair.files, seen = pair.seen, events] {
    return look_at_files(files, seen, events->get());
  };
  auto found = co_await parts_.blocking.run(std::move(call));
  if (!found) co_return;  // the pool is too busy: the next look does it
  if (found->read && *found->read) {
    pair.seen = found->state;
    const bool compromised = co_await is_compromised(pair, ***found->read);
    if (is_second_of_kind(pair, ***found->read)) {
      refuse(pair, same_kind(*pair.files));
    } else if (compromised) {
      if (parts_.events != nullptr) {
        parts_.events->found_revoked(**found->read, "", "keyCompromise");
      }
      if (pair.served) {
        refuse(pair, base::Error(base::Code::kDenied, "its key is compromised"));
      } else {
        withdraw(pair, ***found->read);
      }
    } else {
      take(pair, std::move(**found->read));
    }
  } else if (found->read) {
    pair.seen = found->state;
    refuse(pair, found->read->error());
  }
  tell_wrong(pair);
  tell_expiry(pair);
}

base::Task<bool> OwnCertificates::is_compromised(const Pair& pair,
                                                 const tls::Certificate& certificate) {
  if (parts_.storage == nullptr) co_return false;
  CompromisedKeys compromised(*parts_.storage);
  const auto known = co_await compromised.contains(certificate.key());
  if (known) co_return *known;
  log::error("whether a certificate's key is compromised cannot be read from storage",
             {{"file", pair.files->file}, {"error", known.error().detail}});
  co_return false;
}

// What was read at start is served since then: whether others know its key only storage can say.
void OwnCertificates::withdraw(Pair& pair, const tls::Certificate& certificate) {
  pair.wrong.clear();
  const tls::KeyKinds kinds = tls::alike(certificate.key());
  for (const std::string& name : names_of(pair, certificate)) {
    const auto served = parts_.certificates.find_exact(name, kinds);
    if (!served || served->leaf().serial != certificate.leaf().serial) continue;
    parts_.certificates.remove(name, kinds);
  }
  log::error("the key of a certificate from a file is compromised; it is not served",
             {{"file", pair.files->file}, {"key", pair.files->key}});
}

// Whether one of its sites has another certificate with a key of the same kind.
bool OwnCertificates::is_second_of_kind(const Pair& pair,
                                        const tls::Certificate& certificate) const {
  const auto alone = [](const config::Site* site) { return site->tls.certificate.size() == 1; };
  if (std::ranges::all_of(pair.sites, alone)) return false;
  for (const Pair& other : pairs_) {
    if (&other == &pair || !other.served) continue;
    if (tls::alike(other.served->key()) != tls::alike(certificate.key())) continue;
    for (const config::Site* site : other.sites) {
      if (std::ranges::find(pair.sites, site) != pair.sites.end()) return true;
    }
  }
  return false;
}

std::vector<std::string> OwnCertificates::names_of(const Pair& pair,
                                                   const tls::Certificate& certificate) const {
  std::vector<std::string> names;
  for (const config::Site* site : pair.sites) {
    auto of_site = served_names(config_, *site, certificate);
    names.insert(names.end(), of_site.begin(), of_site.end());
  }
  return names;
}

void OwnCertificates::take(Pair& pair, tls::CertificateRef certificate) {
  pair.wrong.clear();
  const auto names = names_of(pair, *certificate);
  const tls::KeyKinds kinds = tls::alike(certificate->key());
  if (!pair.served) {
    // The first look: what was read at start is served already.
    pair.served =
        names.empty() ? certificate : parts_.certificates.find_exact(names.front(), kinds);
    if (same_chain(pair.served, certificate)) {
      note_expired(pair);
      share(pair, names);
    }
  }
  if (same_chain(pair.served, certificate)) return;
  const auto before = pair.served ? names_of(pair, *pair.served) : std::vector<std::string>();
  for (const config::Site* site : pair.sites) {
    const bool alone = site->tls.certificate.size() == 1;
    parts_.certificates.put(served_names(config_, *site, *certificate), certificate,
                            alone ? tls::kAllKeys : kinds);
  }
  for (const std::string& name : before) {
    const tls::KeyKinds old = tls::alike(pair.served->key());
    const bool gone = old != kinds || std::ranges::find(names, name) == names.end();
    if (gone && parts_.certificates.find_exact(name, old) == pair.served) {
      parts_.certificates.remove(name, old);
    }
  }
  pair.served = certificate;
  log::info("a changed certificate was read from its files",
            {{"names", shown_names(certificate->leaf().names)},
             {"serial", certificate->leaf().serial},
             {"not_after", text_of(certificate->leaf().not_after)},
             {"file", pair.files->file}});
  for (const config::Site* site : pair.sites) warn_of_hosts(*site, pair.files->file, *certificate);
  note_expired(pair);
  share(pair, names);
}

// At start each site has read its files for itself. One is stapled, so that is served for all.
void OwnCertificates::share(const Pair& pair, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const tls::KeyKinds kinds = tls::alike(pair.served->key());
    const auto other = parts_.certificates.find_exact(name, kinds);
    if (other != pair.served && same_chain(other, pair.served)) {
      parts_.certificates.put({name}, pair.served, kinds);
    }
  }
  if (parts_.staples != nullptr) parts_.staples->watch_file(pair.files->file, pair.served);
}

// That it has expired, warn_of_hosts() has told.
void OwnCertificates::note_expired(Pair& pair) {
  const int stage = expiry_stage(pair.served->leaf(), parts_.now());
  pair.told_stage = stage == kExpired ? stage : 0;
}

void OwnCertificates::refuse(Pair& pair, const base::Error& error) {
  if (pair.wrong.empty()) {
    pair.wrong_since = base::Clock::now();
    pair.told_wrong = false;
  } else if (pair.wrong != error.detail) {
    pair.told_wrong = false;
  }
  pair.wrong = error.detail;
}

void OwnCertificates::tell_wrong(Pair& pair) {
  if (pair.wrong.empty() || pair.told_wrong) return;
  if (base::Clock::now() < pair.wrong_since + parts_.settle) return;
  pair.told_wrong = true;
  log::warn("changed certificate files cannot be used; what they held before is served on",
            {{"file", pair.files->file}, {"key", pair.files->key}, {"error", pair.wrong}});
}

void OwnCertificates::tell_expiry(Pair& pair) {
  if (!pair.served) return;
  const tls::LeafFacts& leaf = pair.served->leaf();
  const int stage = expiry_stage(leaf, parts_.now());
  if (parts_.events != nullptr) parts_.events->expiring(pair.served, stage);
  if (stage <= pair.told_stage) return;
  pair.told_stage = stage;
  if (stage == kExpired) {
    log::error("a certificate from files has expired: put a new one into them",
               {{"names", shown_names(leaf.names)},
                {"not_after", text_of(leaf.not_after)},
                {"file", pair.files->file}});
    return;
  }
  log::warn("a certificate from files is about to expire", {{"names", shown_names(leaf.names)},
                                                            {"not_after", text_of(leaf.not_after)},
                                                            {"file", pair.files->file}});
}

}  // namespace gatehouse::certs
