// Of which types the keys of new certificates are, and what a certificate is called where its name
// has two.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/model.h"
#include "tls/key.h"

namespace gatehouse::certs {

// A label is what a certificate is called in storage and in control's books: its first name; of the
// RSA one beside an ECDSA one "NAME_rsa", which is no host name.
std::string rsa_label(std::string_view name);
bool is_rsa_label(std::string_view label);
std::string_view name_of_label(std::string_view label);

// On control's loop.
class KeyTypes {
 public:
  static constexpr std::size_t kMostFormer = 100'000;

  // One or two of different algorithms, the preferred first.
  explicit KeyTypes(const std::vector<config::KeyType>& types);

  bool two() const { return second_.has_value(); }
  bool rsa_first() const;
  // Of the next key for a label.
  tls::KeyType of(std::string_view label) const;
  // Kinds of key that belong to a label: all where its name has one certificate.
  tls::KeyKinds kinds(std::string_view label) const;
  // Of the certificates that a name is to have, the preferred first.
  std::vector<std::string> labels(std::string_view name) const;
  bool wants(std::string_view label) const;
  // And of those that it may have still.
  std::vector<std::string> known_labels(std::string_view name) const;
  // Of the one that a client waits for which can check signatures of `keys`.
  std::string label_for(std::string_view name, tls::KeyKinds keys) const;

  // Storage has a certificate under the RSA label of `name`. Where there is one type now, that of
  // the two which is not of this type is served to its end. Of more than kMostFormer names the one
  // of the type alone is served.
  void know_rsa(std::string_view name);
  // Whether the name had two, and is to have one.
  bool had_two(std::string_view name) const { return !two() && former_.contains(name); }

 private:
  bool split(std::string_view name) const { return two() || former_.contains(name); }

  tls::KeyType first_;
  std::optional<tls::KeyType> second_;
  std::set<std::string, std::less<>> former_;
};

}  // namespace gatehouse::certs
