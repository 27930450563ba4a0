#pragma once

/// Who may use the collector: users with passwords and sessions, the one-time link of the first start, API tokens.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "collector/accounts/attempt_limiter.h"
#include "collector/storage/store.h"
#include "sdk/core/clock.h"

namespace trapline::collector {

/// A signed-in user and the secret that the browser keeps. The secret is not stored anywhere.
struct SignedIn {
  User user;
  std::string session_secret;
};

/// Thread-safe. Borrows the store and the clock. Errors: "invalid_email", "invalid_password", "invalid_name",
/// "conflict", "wrong_credentials", "too_many_attempts" (its message says how long to wait), "not_found", "storage".
class Accounts {
 public:
  static constexpr std::chrono::hours kSessionLifetime{24 * 30};
  static constexpr std::chrono::hours kWelcomeLifetime{24};

  explicit Accounts(AccountStore& store, const core::Clock& clock = core::system_clock());

  Result<User> create_user(std::string_view email, Role role, std::string_view password);

  /// `address` is the caller's: failures count per e-mail and address together.
  Result<SignedIn> sign_in(std::string_view email, std::string_view password, std::string_view address);
  Result<std::optional<User>> user_of_session(std::string_view session_secret);
  Status sign_out(std::string_view session_secret);

  /// The secret of a link that lets its first user become the owner; nothing when there are users already.
  Result<std::optional<std::string>> create_welcome_link();
  /// Uses the link up: creates the owner and signs them in.
  Result<SignedIn> become_owner(std::string_view link_secret, std::string_view email, std::string_view password,
                                std::string_view address);

  /// The token, which is shown this once.
  Result<std::string> create_token(std::string_view name, TokenScope scope);
  Result<std::optional<ApiToken>> find_token(std::string_view token);

 private:
  Result<SignedIn> start_session(User user);
  Status check_attempts(const std::string& key);

  AccountStore& store_;
  const core::Clock& clock_;
  AttemptLimiter limiter_;
};

}  // namespace trapline::collector
