#include "certs/compromised_files.h"

#include <set>

#include "base/log.h"
#include "certs/compromised_keys.h"
#include "certs/startup.h"

namespace gatehouse::certs {

namespace {

void withdraw_from(const config::Site& site, const tls::Certificate& certificate,
                   tls::CertificateStore& certificates) {
  std::set<std::string> names(site.hosts.begin(), site.hosts.end());
  names.insert(certificate.leaf().names.begin(), certificate.leaf().names.end());
  for (const std::string& name : names) {
    const auto served = certificates.find_exact(name);
    if (served && served->leaf().serial == certificate.leaf().serial) certificates.remove(name);
  }
  base::log::error("the key of a certificate from a file is compromised; it is not served",
                   {{"file", site.tls.certificate->file}, {"key", site.tls.certificate->key}});
}

}  // namespace

base::Task<void> withdraw_compromised_files(base::BlockingPool& blocking, storage::Storage& storage,
                                            const config::Config& config,
                                            tls::CertificateStore& certificates,
                                            CertificateEvents* events) {
  CompromisedKeys compromised(storage);
  for (const config::Site& site : config.sites) {
    if (!site.tls.enabled || !site.tls.certificate) continue;
    auto read = [files = *site.tls.certificate] { return read_certificate_files(files); };
    auto certificate = co_await blocking.run(std::move(read));
    if (!certificate) continue;  // whoever serves it says why
    const auto known = co_await compromised.contains((*certificate)->key());
    if (!known) {
      base::log::error("whether a certificate's key is compromised cannot be read from storage",
                       {{"file", site.tls.certificate->file}, {"error", known.error().detail}});
    } else if (*known) {
      withdraw_from(site, **certificate, certificates);
      if (events != nullptr) events->found_revoked(*certificate, "", "keyCompromise");
    }
  }
}

}  // namespace gatehouse::certs
