#include "collector/accounts/passwords.h"

#include <array>

#include <sodium.h>

namespace trapline::collector {

core::Result<std::string> hash_password(std::string_view password) {
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  const int failed = crypto_pwhash_str(hash.data(), password.data(), password.size(),
                                       crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE);
  if (failed != 0)
    return core::Error{"out_of_memory", "there is not enough memory to hash a password (64 MiB are needed)"};
  return std::string(hash.data());
}

bool verify_password(std::string_view password, const std::string& hash) {
  static const std::string kNobodysHash = [] {
    const auto nobody = hash_password("nobody signs in with this");
    return nobody ? *nobody : std::string();
  }();
  const std::string& compared = hash.empty() ? kNobodysHash : hash;
  const bool is_right = crypto_pwhash_str_verify(compared.c_str(), password.data(), password.size()) == 0;
  return is_right && !hash.empty();
}

}  // namespace trapline::collector
