#include "certs/compromised_files.h"

#include <set>

#include "base/log.h"
#include "certs/compromised_keys.h"
#include "certs/startup.h"

namespace gatehouse::certs {

namespace {

void withdraw_from(const config::Site& site, const config::CertificateFiles& files,
                   const tls::Certificate& certificate, tls::CertificateStore& certificates) {
  const tls::KeyKinds kinds = tls::alike(certificate.key());
  std::set<std::string> names(site.hosts.begin(), site.hosts.end());
  names.insert(certificate.leaf().names.begin(), certificate.leaf().names.end());
  for (const std::string& name : names) {
    const auto served = certificates.find_exact(name, kinds);
    if (!served || served->leaf().serial != certificate.leaf().serial) continue;
    certificates.remove(name, kinds);
  }
  base::log::error("the key of a certificate from a file is compromised; it is not served",
                   {{"file", files.file}, {"key", files.key}});
}

}  // namespace

base::Task<void> withdraw_compromised_files(base::BlockingPool& blocking, storage::Storage& storage,
                                            const config::Config& config,
                                            tls::CertificateStore& certificates,
                                            CertificateEvents* events) {
  CompromisedKeys compromised(storage);
  for (const config::Site& site : config.sites) {
    if (!site.tls.enabled) continue;
    for (const config::CertificateFiles& files : site.tls.certificate) {
      auto read = [files] { return read_certificate_files(files); };
      auto certificate = co_await blocking.run(std::move(read));
      if (!certificate) continue;  // whoever serves it says why
      const auto known = co_await compromised.contains((*certificate)->key());
      if (!known) {
        base::log::error("whether a certificate's key is compromised cannot be read from storage",
                         {{"file", files.file}, {"error", known.error().detail}});
      } else if (*known) {
        withdraw_from(site, files, **certificate, certificates);
        if (events != nullptr) events->found_revoked(*certificate, "", "keyCompromise");
      }
    }
  }
}

}  // namespace gatehouse::certs
