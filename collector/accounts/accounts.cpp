#include "collector/accounts/accounts.h"

#include <algorithm>
#include <utility>

#include "collector/accounts/passwords.h"
#include "collector/accounts/secrets.h"
#include "sdk/core/ascii.h"

namespace trapline::collector {
namespace {

constexpr std::size_t kMostFailures = 10;
constexpr std::chrono::minutes kFailureWindow{15};
constexpr std::size_t kMostEmailBytes = 254;      // RFC 5321, section 4.5.3.1.3, less the brackets
constexpr std::size_t kMostPasswordBytes = 1024;  // hashing a longer one would only be work for us
constexpr std::size_t kMostNameBytes = 100;

std::int64_t millis(std::chrono::hours hours) { return std::chrono::milliseconds(hours).count(); }

/// One "@" with something on both sides and no blanks: whether mail arrives there, only mail can tell.
Result<std::string> normalise_email(std::string_view email) {
  const std::size_t at = email.find('@');
  const bool is_plausible = at != std::string_view::npos && at > 0 && at + 1 < email.size() &&
                            email.find('@', at + 1) == std::string_view::npos && email.size() <= kMostEmailBytes &&
                            std::none_of(email.begin(), email.end(), [](char c) { return c <= ' ' && c >= 0; });
  if (!is_plausible) {
    return Error{"invalid_email", "'" + std::string(email.substr(0, kMostEmailBytes)) + "' is not an e-mail address"};
  }
  return core::to_lower(email);
}

Status check_password(std::string_view password) {
  if (password.size() >= kLeastPasswordCharacters && password.size() <= kMostPasswordBytes) return {};
  return Error{"invalid_password", "a password has at least " + std::to_string(kLeastPasswordCharacters) +
                                       " characters and at most " + std::to_string(kMostPasswordBytes) +
                                       ", this one has " + std::to_string(password.size())};
}

}  // namespace

Accounts::Accounts(AccountStore& store, const core::Clock& clock)
    : store_(store), clock_(clock), limiter_(kMostFailures, kFailureWindow, clock) {}

Result<User> Accounts::create_user(std::string_view email, Role role, std::string_view password) {
  const auto address = normalise_email(email);
  if (!address) return address.error();
  if (const Status status = check_password(password); !status) return status.error();
  const auto hash = hash_password(password);
  if (!hash) return hash.error();
  return store_.create_user(*address, role, *hash);
}

Status Accounts::check_attempts(const std::string& key) {
  const std::chrono::seconds wait = limiter_.wait_time(key);
  if (wait.count() == 0) return {};
  return Error{"too_many_attempts",
               "too many failed attempts: try again in " + std::to_string(wait.count()) + " seconds"};
}

Result<SignedIn> Accounts::sign_in(std::string_view email, std::string_view password, std::string_view address) {
  const Error wrong{"wrong_credentials", "this e-mail address and password do not belong together"};
  const auto normalised = normalise_email(email);
  if (!normalised) return wrong;
  const std::string attempt = *normalised + " " + std::string(address);
  if (const Status status = check_attempts(attempt); !status) return status.error();
  auto credentials = store_.find_credentials(*normalised);
  if (!credentials) return credentials.error();
  const std::string hash = *credentials ? (*credentials)->password_hash : std::string();
  const auto is_right = password.size() > kMostPasswordBytes ? Result<bool>(false) : verify_password(password, hash);
  if (!is_right) return is_right.error();
  if (!*is_right) {
    limiter_.count_failure(attempt);
    return wrong;
  }
  limiter_.forget(attempt);
  return start_session(std::move((*credentials)->user));
}

Result<SignedIn> Accounts::start_session(User user) {
  SignedIn signed_in{std::move(user), new_secret("")};
  const Status status = store_.create_session(hash_secret(signed_in.session_secret), signed_in.user.id,
                                              clock_.unix_millis() + millis(kSessionLifetime));
  if (!status) return status.error();
  return signed_in;
}

Result<std::optional<User>> Accounts::user_of_session(std::string_view session_secret) {
  return store_.find_session_user(hash_secret(session_secret), clock_.unix_millis());
}

Status Accounts::sign_out(std::string_view session_secret) {
  return store_.delete_session(hash_secret(session_secret));
}

Result<std::optional<std::string>> Accounts::create_welcome_link() {
  const auto users = store_.count_users();
  if (!users) return users.error();
  if (*users > 0) return std::optional<std::string>{};
  std::string secret = new_secret("");
  const Status status =
      store_.create_welcome_link(hash_secret(secret), clock_.unix_millis() + millis(kWelcomeLifetime));
  if (!status) return status.error();
  return std::optional<std::string>(std::move(secret));
}

Result<SignedIn> Accounts::become_owner(std::string_view link_secret, std::string_view email, std::string_view password,
                                        std::string_view address) {
  const std::string attempt = "welcome " + std::string(address);
  if (const Status status = check_attempts(attempt); !status) return status.error();
  const auto normalised = normalise_email(email);
  if (!normalised) return normalised.error();
  if (const Status status = check_password(password); !status) return status.error();
  const auto hash = hash_password(password);
  if (!hash) return hash.error();
  auto owner = store_.create_owner_by_welcome_link(hash_secret(link_secret), clock_.unix_millis(), *normalised, *hash);
  if (!owner) {
    limiter_.count_failure(attempt);
    return owner.error();
  }
  return start_session(std::move(*owner));
}

Result<std::string> Accounts::create_token(std::string_view name, TokenScope scope) {
  if (name.empty() || name.size() > kMostNameBytes) {
    return Error{"invalid_name", "a token's name has 1 to " + std::to_string(kMostNameBytes) + " bytes"};
  }
  std::string token = new_secret("tlp_");
  const Status status = store_.create_token(hash_secret(token), name, scope);
  if (!status) return status.error();
  return token;
}

Result<std::optional<ApiToken>> Accounts::find_token(std::string_view token) {
  return store_.find_token(hash_secret(token));
}

}  // namespace trapline::collector
