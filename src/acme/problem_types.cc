#include "acme/problem_types.h"

#include <algorithm>
#include <array>

namespace gatehouse::acme {

namespace {

// In the order of Handling: retry, other_challenge, other_issuer, whole_ca, lasting, person.
constexpr Handling kSoon{true, false, false, false, false, false};
constexpr Handling kLimited{true, false, true, false, false, false};
constexpr Handling kDown{true, true, true, true, false, false};
constexpr Handling kValidation{true, true, false, false, false, false};
constexpr Handling kName{false, false, true, false, true, true};
constexpr Handling kAccount{false, false, true, true, true, true};
constexpr Handling kOurs{false, false, false, false, true, true};

constexpr std::string_view kReport =
    "report it, with the log's lines: gatehouse should not do that";

// RFC 8555 6.7, RFC 8738, RFC 8739, RFC 9115, RFC 9773, RFC 9799, and tokens of single CAs.
constexpr std::array kTypes{
    ProblemType{"accountDoesNotExist", kSoon,
                "the CA has forgotten the account; it is registered again, with the same key", ""},
    ProblemType{"alreadyReplaced", kSoon,
                "another order replaces the certificate; it is ordered without that", ""},
    ProblemType{"alreadyRevoked", kOurs, "the certificate was revoked before: it is as good", ""},
    ProblemType{"autoRenewalCanceled", kOurs, "of RFC 8739, which is not used here", kReport},
    ProblemType{"autoRenewalCancellationInvalid", kOurs, "of RFC 8739, which is not used here",
                kReport},
    ProblemType{"autoRenewalExpired", kOurs, "of RFC 8739, which is not used here", kReport},
    ProblemType{"autoRenewalRevocationNotSupported", kOurs, "of RFC 8739, which is not used here",
                kReport},
    ProblemType{"badCSR", kName, "the CA does not like the request: its key, or its names",
                "try another \"key_type\"; read what the CA says of the request"},
    ProblemType{"badNonce", kSoon, "the CA's nonce was used up; the request is repeated at once",
                ""},
    ProblemType{"badPublicKey", kName, "the CA does not sign keys of this kind",
                "set \"key_type\" to one that the CA signs"},
    ProblemType{"badRevocationReason", kOurs,
                "the CA takes no such reason for a revocation; it is left out", ""},
    ProblemType{"badSignatureAlgorithm", kName, "the CA does not take ES256 signatures",
                "name another CA: accounts have P-256 keys here"},
    ProblemType{"caa", kName, "CAA records in DNS forbid this CA to sign for the name",
                "add the CA to the name's CAA records, or name an issuer that they allow"},
    ProblemType{"conflict", kSoon, "the order has moved on meanwhile; it is read again", ""},
    ProblemType{"connection", kValidation, "the CA cannot connect to the name's addresses",
                "let the name's A and AAAA records point here, and ports 80 and 443 be open"},
    ProblemType{"dns", kValidation, "the CA cannot resolve the name",
                "mend the name's DNS: its records, its name servers, its DNSSEC"},
    ProblemType{"externalAccountRequired", kAccount, "the CA signs for customers' accounts alone",
                "set the issuer's \"eab\" to the key that the CA gave you"},
    ProblemType{"incorrectResponse", kValidation, "somebody else answered the challenge",
                "see who answers for the name: a CDN, a load balancer, another server"},
    ProblemType{"invalidContact", kAccount, "the CA does not take \"email\"; it is left out",
                "correct the issuer's \"email\""},
    ProblemType{"invalidProfile", kName, "the CA does not have the profile",
                "set the issuer's \"profile\" to one that the CA lists, or its mode to \"prefer\""},
    ProblemType{"malformed", kName, "the CA does not understand the request",
                "read what the CA says; name another issuer meanwhile"},
    ProblemType{"onionCAARequired", kOurs, "the CA wants CAA of an .onion name",
                "use another name: .onion names are not supported"},
    ProblemType{"orderNotReady", kSoon, "the order is not ready; it is read again", ""},
    ProblemType{"rateLimited", kLimited,
                "a limit of the CA is reached; it is left alone for as long as it says",
                "wait; where the CA says \"paused\", open the link that it gives"},
    ProblemType{"rejectedIdentifier", kName, "the CA does not sign for this name: its policy",
                "ask the CA, name another issuer, or remove the name"},
    ProblemType{"serverInternal", kDown, "the CA has trouble of its own",
                "look at the CA's status page when it lasts"},
    ProblemType{"tls", kValidation, "the CA's TLS connection to the name failed",
                "see who answers on port 443 of the name: a CDN, a load balancer, another server"},
    // Of a challenge; of an order or an account it is judged as externalAccountRequired is.
    ProblemType{"unauthorized", kValidation,
                "the CA saw another answer than the challenge's, or the account is not valid",
                "see who answers for the name; if it is the account, end it with gatehouse account "
                "deactivate"},
    ProblemType{"unknownDelegation", kOurs, "of RFC 9115, which is not used here", kReport},
    ProblemType{"unsupportedContact", kAccount, "the CA does not take \"email\"; it is left out",
                "correct the issuer's \"email\""},
    ProblemType{"unsupportedIdentifier", kName, "the CA does not sign names of this kind",
                "name an issuer that does, or another \"profile\""},
    ProblemType{"userActionRequired", kAccount, "the CA has new terms of service",
                "open the link that the CA gives, and agree"},
};

}  // namespace

std::span<const ProblemType> problem_types() { return kTypes; }

const ProblemType* find_problem_type(std::string_view token) {
  const auto found = std::ranges::find(kTypes, token, &ProblemType::token);
  return found == kTypes.end() ? nullptr : &*found;
}

}  // namespace gatehouse::acme
