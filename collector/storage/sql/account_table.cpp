#include "collector/storage/sql/account_table.h"

#include <string>

namespace trapline::collector::sql {
namespace {

User read_user(const Statement& row) {
  User user;
  user.id = row.integer(0);
  user.email = row.text(1);
  user.role = static_cast<Role>(row.integer(2));
  user.created_at = row.integer(3);
  return user;
}

/// Inside the caller's transaction, or as one of its own.
std::optional<User> insert_user(Connection& connection, std::string_view email, Role role,
                                std::string_view password_hash, UnixMillis now) {
  Statement insert = connection.prepare(
      "INSERT INTO account (email, role, password_hash, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING "
      "RETURNING id");
  insert.bind(email, static_cast<int>(role), password_hash, now);
  if (!insert.step()) return std::nullopt;
  User user;
  user.id = insert.integer(0);
  insert.run();
  user.email = email;
  user.role = role;
  user.created_at = now;
  return user;
}

}  // namespace

std::optional<User> create_user(Connection& connection, std::string_view email, Role role,
                                std::string_view password_hash, UnixMillis now) {
  return insert_user(connection, email, role, password_hash, now);
}

std::optional<AccountStore::Credentials> find_credentials(Connection& connection, std::string_view email) {
  Statement statement =
      connection.prepare("SELECT id, email, role, created_at, password_hash FROM account WHERE email = ?");
  statement.bind(email);
  if (!statement.step()) return std::nullopt;
  return AccountStore::Credentials{read_user(statement), std::string(statement.text(4))};
}

std::int64_t count_users(Connection& connection) {
  Statement statement = connection.prepare("SELECT count(*) FROM account");
  statement.step();
  return statement.integer(0);
}

void create_session(Connection& connection, std::string_view session_hash, UserId user, UnixMillis expires_at) {
  connection.prepare("INSERT INTO sign_in_session (session_hash, account_id, expires_at) VALUES (?, ?, ?)")
      .bind(session_hash, user, expires_at)
      .run();
}

std::optional<User> find_session_user(Connection& connection, std::string_view session_hash, UnixMillis now) {
  Statement statement = connection.prepare(
      "SELECT account.id, email, role, created_at FROM sign_in_session JOIN account ON account.id = account_id "
      "WHERE session_hash = ? AND expires_at > ?");
  statement.bind(session_hash, now);
  if (!statement.step()) return std::nullopt;
  return read_user(statement);
}

void delete_session(Connection& connection, std::string_view session_hash) {
  connection.prepare("DELETE FROM sign_in_session WHERE session_hash = ?").bind(session_hash).run();
}

void create_welcome_link(Connection& connection, std::string_view link_hash, UnixMillis expires_at) {
  connection
      .prepare(
          "INSERT INTO welcome_link (id, link_hash, expires_at) VALUES (1, ?, ?) "
          "ON CONFLICT (id) DO UPDATE SET link_hash = excluded.link_hash, expires_at = excluded.expires_at")
      .bind(link_hash, expires_at)
      .run();
}

WelcomeOutcome create_owner_by_welcome_link(Connection& connection, std::string_view link_hash, UnixMillis now,
                                            std::string_view email, std::string_view password_hash) {
  Transaction transaction(connection);
  connection.prepare("DELETE FROM welcome_link WHERE link_hash = ? AND expires_at > ?").bind(link_hash, now).run();
  if (connection.changes() == 0) return {std::nullopt, WelcomeFailure::kNoSuchLink};
  std::optional<User> owner = insert_user(connection, email, Role::kOwner, password_hash, now);
  if (!owner) return {std::nullopt, WelcomeFailure::kEmailTaken};
  transaction.commit();
  return {std::move(owner), WelcomeFailure::kNoSuchLink};
}

void create_token(Connection& connection, std::string_view token_hash, std::string_view name, TokenScope scope,
                  UnixMillis now) {
  connection.prepare("INSERT INTO api_token (token_hash, name, scope, created_at) VALUES (?, ?, ?, ?)")
      .bind(token_hash, name, static_cast<int>(scope), now)
      .run();
}

std::optional<ApiToken> find_token(Connection& connection, std::string_view token_hash) {
  Statement statement = connection.prepare("SELECT name, scope, created_at FROM api_token WHERE token_hash = ?");
  statement.bind(token_hash);
  if (!statement.step()) return std::nullopt;
  ApiToken token;
  token.name = statement.text(0);
  token.scope = static_cast<TokenScope>(statement.integer(1));
  token.created_at = statement.integer(2);
  return token;
}

}  // namespace trapline::collector::sql
