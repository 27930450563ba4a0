#pragma once

/// Finds secrets and personal data in plain text by their shape: one pass from front to back, every look back or ahead
/// bounded, so that no text costs more than linear time.

#include <cstddef>
#include <string_view>

#include "sdk/core/sensitive_keys.h"

namespace trapline::core {

/// What is looked for. Home folders' user names always are.
struct TextRules {
  bool emails = true;
  bool ip_addresses = true;
  bool cards = true;
  bool tokens = true;           ///< bearer, basic and JSON web tokens, keys of well-known services, PEM blocks
  bool url_credentials = true;  ///< https://user:password@host
  bool assignments = true;      ///< password=…, "token: …": a sensitive name before the value
  bool national_ids = true;     ///< US social security numbers, IBANs
};

/// A piece of a text that has to go. `rule` names why, in notes: "email", "ip", "card", "token", "private_key",
/// "credentials", "secret", "ssn", "iban", "user_name". Both texts are literals.
struct Finding {
  std::size_t begin = 0;
  std::size_t end = 0;  ///< begin == end: nothing was found
  std::string_view replacement;
  std::string_view rule;
};

/// Takes findings, in the order of the text, none overlapping another.
class FindingSink {
 public:
  virtual void found(const Finding& finding) = 0;

 protected:
  ~FindingSink() = default;
};

/// Finds all that `rules` ask for. `keys` decides which assignments are secret.
void find_private(std::string_view text, const TextRules& rules, const SensitiveKeys& keys, FindingSink& sink);

/// Only user names in paths of home folders: /home/<name>, /Users/<name>, C:\Users\<name>.
void find_home_folders(std::string_view text, FindingSink& sink);

}  // namespace trapline::core
