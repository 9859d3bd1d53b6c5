#include "tls/client_hello.h"

#include <openssl/bytestring.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <iterator>

#include "base/buffer.h"
#include "base/endpoint.h"
#include "tls/suspended.h"

namespace gatehouse::tls {

namespace {

constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kLabels = 10;
constexpr std::string_view kChallengeProtocol = "acme-tls/1";
// What we speak of TLS 1.2 with certificates of either kind (RFC 5289, RFC 7905).
constexpr std::uint16_t kEcdsaSuites[] = {0xc02b, 0xc02c, 0xcca9};
constexpr std::uint16_t kRsaSuites[] = {0xc02f, 0xc030, 0xcca8};

bool is_label(std::string_view label) {
  const auto ldh = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' &&
         label.back() != '-' && std::all_of(label.begin(), label.end(), ldh);
}

bool extension(const SSL_CLIENT_HELLO* hello, std::uint16_t type, CBS* out) {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  if (!SSL_early_callback_ctx_extension_get(hello, type, &data, &size)) return false;
  CBS_init(out, data, size);
  return true;
}

// Only an exact list of one is a CA's challenge (RFC 8737 3).
bool offers_only_challenge(const SSL_CLIENT_HELLO* hello) {
  CBS contents, list, name;
  return extension(hello, TLSEXT_TYPE_application_layer_protocol_negotiation, &contents) &&
         CBS_get_u16_length_prefixed(&contents, &list) && CBS_len(&contents) == 0 &&
         CBS_get_u8_length_prefixed(&list, &name) && CBS_len(&list) == 0 &&
         base::as_text({CBS_data(&name), CBS_len(&name)}) == kChallengeProtocol;
}

bool offers_version(const SSL_CLIENT_HELLO* hello, std::uint16_t version) {
  CBS versions;
  if (!extension(hello, TLSEXT_TYPE_supported_versions, &versions)) {
    return version == TLS1_2_VERSION && hello->version >= TLS1_2_VERSION;
  }
  CBS list;
  if (!CBS_get_u8_length_prefixed(&versions, &list)) return false;
  std::uint16_t value = 0;
  while (CBS_get_u16(&list, &value)) {
    if (value == version) return true;
  }
  return false;
}

// Whether a version that we speak is offered at all.
bool offers_our_version(const SSL_CLIENT_HELLO* hello) {
  const bool only13 = SSL_CTX_get_min_proto_version(SSL_get_SSL_CTX(hello->ssl)) == TLS1_3_VERSION;
  return offers_version(hello, TLS1_3_VERSION) ||
         (!only13 && offers_version(hello, TLS1_2_VERSION));
}

// In TLS 1.2 an algorithm of ECDSA says nothing of the curve: groups do.
KeyKinds keys_of_algorithm(std::uint16_t algorithm, bool tls13) {
  switch (algorithm) {
    case SSL_SIGN_ECDSA_SECP256R1_SHA256: return tls13 ? kEcdsaP256 : kEcdsaKeys;
    case SSL_SIGN_ECDSA_SECP384R1_SHA384: return tls13 ? kEcdsaP384 : kEcdsaKeys;
    case SSL_SIGN_ECDSA_SECP521R1_SHA512: return tls13 ? kEcdsaP521 : kEcdsaKeys;
    case SSL_SIGN_RSA_PSS_RSAE_SHA256:
    case SSL_SIGN_RSA_PSS_RSAE_SHA384:
    case SSL_SIGN_RSA_PSS_RSAE_SHA512: return kRsaKeys;
    case SSL_SIGN_RSA_PKCS1_SHA256:
    case SSL_SIGN_RSA_PKCS1_SHA384:
    case SSL_SIGN_RSA_PKCS1_SHA512: return tls13 ? 0 : kRsaKeys;
    default: return 0;
  }
}

KeyKinds keys_of_group(std::uint16_t group, bool) {
  switch (group) {
    case SSL_CURVE_SECP256R1: return kEcdsaP256;
    case SSL_CURVE_SECP384R1: return kEcdsaP384;
    case SSL_CURVE_SECP521R1: return kEcdsaP521;
    default: return 0;
  }
}

KeyKinds keys_of_suite(std::uint16_t suite, bool) {
  const auto is = [suite](std::uint16_t one) { return one == suite; };
  if (std::any_of(std::begin(kEcdsaSuites), std::end(kEcdsaSuites), is)) return kEcdsaKeys;
  if (std::any_of(std::begin(kRsaSuites), std::end(kRsaSuites), is)) return kRsaKeys;
  return 0;
}

KeyKinds keys_of(CBS list, KeyKinds (*keys_of_one)(std::uint16_t, bool), bool tls13) {
  KeyKinds keys = 0;
  std::uint16_t value = 0;
  while (CBS_get_u16(&list, &value)) keys |= keys_of_one(value, tls13);
  return keys;
}

// TLS 1.3 tells it by the signature algorithms; 1.2 by the cipher suites and groups as well
// (RFC 8422 2.2). What is not said excludes nothing.
KeyKinds offered_keys(const SSL_CLIENT_HELLO* hello) {
  const bool tls13 = offers_version(hello, TLS1_3_VERSION);
  KeyKinds keys = kAllKeys;
  CBS contents, list;
  if (extension(hello, TLSEXT_TYPE_signature_algorithms, &contents) &&
      CBS_get_u16_length_prefixed(&contents, &list)) {
    keys = keys_of(list, &keys_of_algorithm, tls13);
  }
  if (tls13) return keys;
  if (extension(hello, TLSEXT_TYPE_supported_groups, &contents) &&
      CBS_get_u16_length_prefixed(&contents, &list)) {
    keys &= kRsaKeys | keys_of(list, &keys_of_group, tls13);
  }
  CBS_init(&list, hello->cipher_suites, hello->cipher_suites_len);
  return keys & keys_of(list, &keys_of_suite, tls13);
}

std::string server_name_of(const SSL* ssl) {
  const char* sent = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  std::string name(sent == nullptr ? "" : sent);
  if (name.ends_with('.')) name.pop_back();
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  std::transform(name.begin(), name.end(), name.begin(), lower);
  return name;
}

int suspended_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// For who asks for it; BoringSSL would copy it for the others too.
void staple(const SSL_CLIENT_HELLO* hello, const Certificate& certificate) {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  if (certificate.staple() == nullptr ||
      !SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_status_request, &data, &size)) {
    return;
  }
  certificate.staple()->install(hello->ssl, base::wall_now());
}

}  // namespace

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName || base::is_ip_literal(name)) return false;
  std::size_t labels = 0;
  std::string_view label;
  for (std::size_t begin = 0; begin <= name.size();) {
    const auto dot = std::min(name.find('.', begin), name.size());
    label = name.substr(begin, dot - begin);
    if (!is_label(label) || ++labels > kLabels) return false;
    begin = dot + 1;
  }
  return !std::all_of(label.begin(), label.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void HelloCallbacks::install(SSL_CTX* context, const ServerOptions* options) {
  SSL_CTX_set_select_certificate_cb(context, &HelloCallbacks::select_certificate);
  SSL_CTX_set_alpn_select_cb(context, &HelloCallbacks::select_alpn,
                             const_cast<ServerOptions*>(options));
}

void HelloCallbacks::attach(SSL* ssl, Transport::Suspended* suspended) {
  SSL_set_ex_data(ssl, suspended_index(), suspended);
}

ssl_select_cert_result_t HelloCallbacks::select_certificate(const SSL_CLIENT_HELLO* hello) {
  auto* state = static_cast<Transport::Suspended*>(SSL_get_ex_data(hello->ssl, suspended_index()));
  if (state == nullptr) return ssl_select_cert_error;
  if (!state->chosen) {
    // No order for a name, and no waiting, for who cannot shake hands: the alert comes at once.
    if (!offers_our_version(hello)) return ssl_select_cert_success;
    state->hello.server_name = server_name_of(hello->ssl);
    state->hello.acme_challenge = offers_only_challenge(hello);
    state->hello.keys = offered_keys(hello);
    return ssl_select_cert_retry;
  }
  if (!state->certificate) return ssl_select_cert_error;
  // A session may be resumed only under the name that it was made for. Sites with client_auth
  // take none at all.
  std::uint8_t context_id[SHA256_DIGEST_LENGTH];
  const auto name = base::as_bytes(state->hello.server_name);
  SHA256(name.data(), name.size(), context_id);
  SSL_set_session_id_context(hello->ssl, context_id, sizeof context_id);
  // A CA must see the answer itself, never a session that was made before.
  if (state->challenge) SSL_set_options(hello->ssl, SSL_OP_NO_TICKET);
  if (!state->certificate->install(hello->ssl)) return ssl_select_cert_error;
  staple(hello, *state->certificate);
  if (state->client_auth != nullptr && !state->client_auth->install(hello->ssl)) {
    return ssl_select_cert_error;
  }
  return ssl_select_cert_success;
}

ssl_verify_result_t HelloCallbacks::verify_client(SSL* ssl, std::uint8_t* alert) {
  auto* state = static_cast<Transport::Suspended*>(SSL_get_ex_data(ssl, suspended_index()));
  *alert = SSL_AD_INTERNAL_ERROR;
  if (state == nullptr || state->client_auth == nullptr) return ssl_verify_invalid;
  auto verdict = state->client_auth->verify(ssl);
  if (verdict.alert == 0) return ssl_verify_ok;
  *alert = verdict.alert;
  state->rejection = std::move(verdict.reason);
  return ssl_verify_invalid;
}

int HelloCallbacks::select_alpn(SSL* ssl, const std::uint8_t** out, std::uint8_t* out_size,
                                const std::uint8_t* offered, unsigned offered_size,
                                void* argument) {
  const auto* state = static_cast<Transport::Suspended*>(SSL_get_ex_data(ssl, suspended_index()));
  const auto& ours = static_cast<const ServerOptions*>(argument)->alpn;
  const bool challenge = state != nullptr && state->challenge;
  const auto choose = [&](std::string_view wanted) {
    CBS list, name;
    CBS_init(&list, offered, offered_size);
    while (CBS_get_u8_length_prefixed(&list, &name)) {
      if (base::as_text({CBS_data(&name), CBS_len(&name)}) != wanted) continue;
      *out = CBS_data(&name);
      *out_size = static_cast<std::uint8_t>(CBS_len(&name));
      return true;
    }
    return false;
  };
  if (challenge) {
    return choose(kChallengeProtocol) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  for (const auto& protocol : ours) {
    if (choose(protocol)) return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;  // no_application_protocol (RFC 7301 3.2)
}

}  // namespace gatehouse::tls
