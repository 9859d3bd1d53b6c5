#include "certs/key_types.h"

#include <algorithm>

namespace gatehouse::certs {

namespace {

constexpr std::string_view kRsaMark = "_rsa";

tls::KeyType key_type_of(config::KeyType wanted) {
  switch (wanted) {
    case config::KeyType::kP256: return tls::KeyType::kP256;
    case config::KeyType::kP384: return tls::KeyType::kP384;
    case config::KeyType::kRsa2048: return tls::KeyType::kRsa2048;
    case config::KeyType::kRsa4096: return tls::KeyType::kRsa4096;
  }
  return tls::KeyType::kP256;
}

bool is_rsa(tls::KeyType type) {
  return type == tls::KeyType::kRsa2048 || type == tls::KeyType::kRsa4096;
}

tls::KeyKinds kind_of(tls::KeyType type) {
  if (is_rsa(type)) return tls::kRsaKeys;
  return type == tls::KeyType::kP384 ? tls::kEcdsaP384 : tls::kEcdsaP256;
}

}  // namespace

std::string rsa_label(std::string_view name) { return std::string(name) + std::string(kRsaMark); }

bool is_rsa_label(std::string_view label) { return label.ends_with(kRsaMark); }

std::string_view name_of_label(std::string_view label) {
  if (is_rsa_label(label)) label.remove_suffix(kRsaMark.size());
  return label;
}

KeyTypes::KeyTypes(const std::vector<config::KeyType>& types) : first_(key_type_of(types.front())) {
  if (types.size() > 1) second_ = key_type_of(types[1]);
}

bool KeyTypes::rsa_first() const { return two() && is_rsa(first_); }

tls::KeyType KeyTypes::of(std::string_view label) const {
  return !two() || is_rsa(first_) == is_rsa_label(label) ? first_ : *second_;
}

tls::KeyKinds KeyTypes::kinds(std::string_view label) const {
  if (is_rsa_label(label)) return tls::kRsaKeys;
  return split(label) ? tls::kEcdsaKeys : tls::kAllKeys;
}

std::vector<std::string> KeyTypes::labels(std::string_view name) const {
  std::vector<std::string> labels;
  const auto add = [&](tls::KeyType type) {
    const bool marked = split(name) && is_rsa(type);
    labels.push_back(marked ? rsa_label(name) : std::string(name));
  };
  add(first_);
  if (two()) add(*second_);
  return labels;
}

bool KeyTypes::wants(std::string_view label) const {
  const auto wanted = labels(name_of_label(label));
  return std::ranges::find(wanted, label) != wanted.end();
}

std::vector<std::string> KeyTypes::known_labels(std::string_view name) const {
  std::vector<std::string> known = labels(name);
  if (had_two(name)) known.push_back(is_rsa(first_) ? std::string(name) : rsa_label(name));
  return known;
}

std::string KeyTypes::label_for(std::string_view name, tls::KeyKinds keys) const {
  auto all = labels(name);
  const bool second = two() && (kind_of(first_) & keys) == 0 && (kind_of(*second_) & keys) != 0;
  return std::move(second ? all[1] : all[0]);
}

void KeyTypes::know_rsa(std::string_view name) {
  if (former_.size() < kMostFormer) former_.emplace(name);
}

}  // namespace gatehouse::certs
