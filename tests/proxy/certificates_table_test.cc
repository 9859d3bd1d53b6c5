#include "proxy/certificates_table.h"

#include <gtest/gtest.h>

namespace gatehouse::proxy::certificates_table_test {
namespace {

certs::CertificateStatus served() {
  certs::CertificateStatus status;
  status.name = "a.example";
  status.source = certs::Source::kManaged;
  status.standing = certs::Standing::kServed;
  status.names = {"a.example"};
  status.issuer = "internal";
  status.serial = "01ab";
  status.key_type = "p256";
  status.not_before = base::WallTime(std::chrono::seconds(0));
  status.not_after = base::WallTime(std::chrono::days(1));
  return status;
}

TEST(CertificatesTable, HasALineForEachNameInColumns) {
  certs::StatusPage page;
  page.certificates.push_back(served());
  certs::CertificateStatus failed;
  failed.name = "long.name.example";
  failed.standing = certs::Standing::kFailed;
  failed.failures = 2;
  failed.next_attempt = base::WallTime(std::chrono::days(2));
  page.certificates.push_back(failed);
  EXPECT_EQ(
      certificates_table(to_json(page)["certificates"]),
      "NAME               KEY   ISSUER    EXPIRES               RENEWAL  STATE\n"
      "a.example          p256  internal  1970-01-02T00:00:00Z  -        served\n"
      "long.name.example  -     -         -                     -        failed, 2 failed, again "
      "1970-01-03T00:00:00Z\n");
}

TEST(CertificatesTable, TellsOfOneWhatThereIs) {
  EXPECT_EQ(certificate_lines(to_json(served())),
            "name:       a.example\nstate:      served\nsource:     managed\n"
            "names:      a.example\nissuer:     internal\nserial:     01ab\nkey:        p256\n"
            "valid from: 1970-01-01T00:00:00Z\nexpires:    1970-01-02T00:00:00Z\n");
}

TEST(CertificatesTable, TellsOfBothCertificatesOfAName) {
  auto both = served();
  auto rsa = served();
  rsa.key_type = "rsa2048";
  both.others.push_back(rsa);
  const auto text = certificate_lines(to_json(both));
  EXPECT_LT(text.find("key:        p256\n"), text.find("\n\nname:       a.example\n"));
  EXPECT_NE(text.find("key:        rsa2048\n"), std::string::npos);
}

TEST(CertificatesTable, WhatACaSaidDoesNotSteerATerminal) {
  auto status = served();
  status.last_error = "no\x1b[2J\nname: b";
  EXPECT_NE(certificate_lines(to_json(status)).find("no?[2J?name: b\n"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::proxy::certificates_table_test
