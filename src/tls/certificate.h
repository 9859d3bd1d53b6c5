// A certificate ready to serve: chain, private key, and what we need to know of the leaf.
#pragma once

#include <openssl/base.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "tls/key.h"
#include "tls/staple.h"

namespace gatehouse::tls {

// How far our clock may be behind the CA's: a certificate that begins within it is taken as valid.
inline constexpr std::chrono::seconds kClockSkew{60};

// What the leaf says of itself (RFC 5280).
struct LeafFacts {
  std::vector<std::string> names;  // SAN dNSNames in lower case, and IP addresses as text
  base::WallTime not_before;
  base::WallTime not_after;
  std::string serial;            // DER INTEGER content, hex in lower case
  std::string authority_key_id;  // keyIdentifier bytes, hex; empty when absent
  std::string issuer;            // common name (or organisation) of the issuer, for logs
  std::string responder;         // http:// URL of the CA's OCSP responder; empty: none is named
  bool must_staple = false;      // clients are told to insist on its response (RFC 7633)
};

// Immutable, but for its staple; shared among threads by shared_ptr<const>.
class Certificate {
 public:
  // `chain_pem`: leaf first, then its issuers. Checks that the key belongs to the leaf.
  // Errors: kMalformed (says which block), kDenied when key and leaf do not match.
  static base::Result<std::shared_ptr<const Certificate>> make(std::string_view chain_pem,
                                                               PrivateKey key);

  const LeafFacts& leaf() const { return leaf_; }
  const PrivateKey& key() const { return key_; }
  // PrivateKey::kind() of it.
  KeyKinds key_kind() const { return key_kind_; }
  // Whether its key is of one of these kinds.
  bool is_of(KeyKinds keys) const { return (key_kind_ & ~keys) == 0; }
  // All blocks in PEM, leaf first.
  std::string chain_pem() const;
  // DER blocks, leaf first, in the form that SSL_set_chain_and_key takes.
  const std::vector<bssl::UniquePtr<CRYPTO_BUFFER>>& chain() const { return chain_; }
  // Makes a server's handshake use it. Any thread.
  bool install(SSL* ssl) const;
  // Makes a client's handshakes show it where they are asked. Before the context is shared.
  bool install(SSL_CTX* context) const;
  // What the CA's OCSP responder said of it; null when it names no responder.
  Staple* staple() const { return staple_.get(); }
  // Whether the leaf's names cover `name` (exact, or one wildcard label).
  bool covers(std::string_view name) const;
  // Inside its dates at `now`, where our clock may be behind the CA's by kClockSkew.
  bool valid_at(base::WallTime now) const {
    return leaf_.not_before <= now + kClockSkew && now < leaf_.not_after;
  }

  Certificate() = default;  // for make()

 private:
  std::vector<CRYPTO_BUFFER*> blocks() const;

  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> chain_;
  PrivateKey key_;
  KeyKinds key_kind_ = 0;
  LeafFacts leaf_;
  std::unique_ptr<Staple> staple_;
};

using CertificateRef = std::shared_ptr<const Certificate>;

// Whether a fresh certificate may replace what is served: names cover all `names`, dates hold at
// `now` as valid_at() says, every block is signed by the next; make() has checked the key. Verifies
// signatures, so it belongs on a BlockingPool. Error: kDenied naming the first thing that is wrong.
base::Result<> check_issued(const Certificate& certificate, const std::vector<std::string>& names,
                            base::WallTime now);

}  // namespace gatehouse::tls
