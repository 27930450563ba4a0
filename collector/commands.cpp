#include "collector/commands.h"

#include <iostream>
#include <memory>

#include <unistd.h>

#include "collector/accounts/accounts.h"
#include "collector/http/api_json.h"
#include "collector/serve.h"
#include "collector/storage/open_store.h"
#include "sdk/core/random.h"

namespace trapline::collector {
namespace {

constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kPasswordBytes = 10;  // 80 random bits, as 20 characters that can be read out

Result<std::unique_ptr<Store>> open_configured_store(const Config& config) {
  // A database of its own needs no data folder.
  if (config.database.empty()) {
    if (const Status status = prepare_data_folder(config); !status) return status.error();
  }
  return open_store(config.database_url());
}

/// The line on standard input, without its end; empty when there is none, or when a person sits there.
std::string read_password() {
  std::string line;
  if (isatty(STDIN_FILENO) == 0) std::getline(std::cin, line);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace

Status create_project(const Config& config, const std::string& name) {
  auto store = open_configured_store(config);
  if (!store) return store.error();
  const auto project = (*store)->create_project(name, core::random_hex(kKeyBytes));
  if (!project) return project.error();
  std::cout << make_dsn(config.public_url_at(config.port), *project) << '\n';
  return {};
}

Status create_user(const Config& config, const std::string& email, const std::string& role) {
  auto store = open_configured_store(config);
  if (!store) return store.error();
  std::string password = read_password();
  const bool is_made = password.empty();
  if (is_made) password = core::random_hex(kPasswordBytes);
  Accounts accounts(**store);
  const auto user = accounts.create_user(email, parse_role(role).value_or(Role::kViewer), password);
  if (!user) return user.error();
  if (is_made) std::cout << password << '\n';
  return {};
}

Status create_token(const Config& config, const std::string& name, const std::string& scope) {
  auto store = open_configured_store(config);
  if (!store) return store.error();
  Accounts accounts(**store);
  const auto token = accounts.create_token(name, parse_token_scope(scope).value_or(TokenScope::kRead));
  if (!token) return token.error();
  std::cout << *token << '\n';
  return {};
}

}  // namespace trapline::collector
