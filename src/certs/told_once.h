// What is told of a certificate once, however often it is seen, by whichever of the processes that
// share the storage.
#pragma once

#include <map>
#include <string>

#include "base/loop.h"
#include "storage/storage.h"
#include "tls/certificate.h"

namespace gatehouse::certs {

// Keys: told/<the certificate's first name>. On control's loop.
class ToldOnce {
 public:
  static constexpr base::Duration kLeaseTime{10'000};  // while another process looks

  explicit ToldOnce(storage::Storage& storage) : storage_(storage) {}
  ToldOnce(const ToldOnce&) = delete;
  ToldOnce& operator=(const ToldOnce&) = delete;

  // Whether the stage is new for this certificate: true once, for each higher stage. When storage
  // does not answer, once in this process.
  base::Task<bool> is_new(tls::CertificateRef certificate, int stage);
  // Whether this process knows already that it is not.
  bool is_known(const tls::Certificate& certificate, int stage) const;

 private:
  struct Told {
    std::string certificate;
    int stage = 0;
  };
  static bool covers(const Told& told, const std::string& certificate, int stage) {
    return told.certificate == certificate && told.stage >= stage;
  }
  base::Task<Told> load(std::string key);

  storage::Storage& storage_;
  std::map<std::string, Told, std::less<>> here_;  // by name; of certificates that near their end
};

}  // namespace gatehouse::certs
