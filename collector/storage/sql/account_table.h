#pragma once

#include <optional>
#include <string_view>

#include "collector/storage/sql/connection.h"
#include "collector/storage/store.h"

namespace trapline::collector::sql {

/// AccountStore on one connection. create_user() answers nothing when the address is taken;
/// create_owner_by_welcome_link() says which of its two reasons it had.
std::optional<User> create_user(Connection& connection, std::string_view email, Role role,
                                std::string_view password_hash, UnixMillis now);
std::optional<AccountStore::Credentials> find_credentials(Connection& connection, std::string_view email);
std::int64_t count_users(Connection& connection);

void create_session(Connection& connection, std::string_view session_hash, UserId user, UnixMillis expires_at);
std::optional<User> find_session_user(Connection& connection, std::string_view session_hash, UnixMillis now);
void delete_session(Connection& connection, std::string_view session_hash);

void create_welcome_link(Connection& connection, std::string_view link_hash, UnixMillis expires_at);

enum class WelcomeFailure { kNoSuchLink, kEmailTaken };
struct WelcomeOutcome {
  std::optional<User> owner;
  WelcomeFailure failure = WelcomeFailure::kNoSuchLink;
};
WelcomeOutcome create_owner_by_welcome_link(Connection& connection, std::string_view link_hash, UnixMillis now,
                                            std::string_view email, std::string_view password_hash);

void create_token(Connection& connection, std::string_view token_hash, std::string_view name, TokenScope scope,
                  UnixMillis now);
std::optional<ApiToken> find_token(Connection& connection, std::string_view token_hash);

}  // namespace trapline::collector::sql
