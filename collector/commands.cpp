#include "collector/commands.h"

#include <iostream>
#include <memory>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "collector/accounts/accounts.h"
#include "collector/http/api_json.h"
#include "collector/ingest/project_settings.h"
#include "collector/serve.h"
#include "collector/storage/open_store.h"
#include "sdk/core/random.h"

namespace trapline::collector {
namespace {

constexpr std::size_t kPasswordBytes = 10;  // 80 random bits, as 20 characters that can be read out

/// The line on standard input, without its end; empty when there is none, or when a person sits there.
std::string read_password() {
  std::string line;
  if (isatty(STDIN_FILENO) == 0) std::getline(std::cin, line);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> entries;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    if (comma != 0) entries.emplace_back(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return entries;
}

/// What was written on the command line, as what it means.
Result<ProjectChange> read_changes(const ProjectChanges& given) {
  ProjectChange change;
  if (given.require_signature) {
    if (*given.require_signature != "on" && *given.require_signature != "off") {
      return Error{"invalid_setting", "--require-signature takes on or off, not '" + *given.require_signature + "'"};
    }
    change.require_signature = *given.require_signature == "on";
  }
  if (given.allowed_origins) change.allowed_origins = split_list(*given.allowed_origins);
  if (given.allowed_ips) change.allowed_ips = split_list(*given.allowed_ips);
  if (given.rate_limit) {
    const auto limit = read_rate_limit(*given.rate_limit);
    if (!limit) return limit.error();
    change.rate_limit_per_hour = *limit;
  }
  return change;
}

}  // namespace

Result<std::unique_ptr<Store>> open_configured_store(const Config& config) {
  // A database of its own needs no data folder.
  if (config.database.empty()) {
    if (const Status status = prepare_data_folder(config); !status) return status.error();
  }
  return open_store(config.database_url(), core::system_clock(), config.store_options());
}

Result<Project> find_project_by_name(Store& store, const std::string& name) {
  const auto projects = store.list_projects();
  if (!projects) return projects.error();
  for (const Project& project : *projects) {
    if (project.name == name) return project;
  }
  return Error{"not_found", "there is no project named '" + name + "'"};
}

Status create_project(const Config& config, const std::string& name) {
  auto store = open_configured_store(config);
  if (!store) return store.error();
  const auto project = create_project(**store, name);
  if (!project) return project.error();
  std::cout << make_dsn(config.public_url_at(config.port), *project) << '\n';
  return {};
}

Status change_project(const Config& config, const std::string& name, const ProjectChanges& changes) {
  const auto change = read_changes(changes);
  if (!change) return change.error();
  auto store = open_configured_store(config);
  if (!store) return store.error();
  const auto project = find_project_by_name(**store, name);
  if (!project) return project.error();
  return change_project(**store, project->id, *change);
}

Status create_key(const Config& config, const std::string& project, bool with_secret, const std::string& rate_limit) {
  const auto limit = read_rate_limit(rate_limit);
  if (!limit) return limit.error();
  auto store = open_configured_store(config);
  if (!store) return store.error();
  const auto owner = find_project_by_name(**store, project);
  if (!owner) return owner.error();
  const auto key = create_key(**store, owner->id, with_secret, *limit);
  if (!key) return key.error();
  std::cout << make_dsn(config.public_url_at(config.port), *key) << '\n';
  return {};
}

Status set_key_active(const Config& config, const std::string& public_key, bool is_active) {
  auto store = open_configured_store(config);
  if (!store) return store.error();
  KeyChange change;
  change.is_active = is_active;
  const auto key = (*store)->change_key(public_key, change);
  return key ? Status{} : Status{key.error()};
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

Status tell_left_out(Store& store) {
  const auto troubles = store.troubles();
  for (const std::string& trouble : troubles) std::cerr << trouble << '\n';
  if (troubles.empty()) return {};
  return Error{"incomplete",
               "what could be read was written, but not all of it could: trapline-collector check says more"};
}

}  // namespace trapline::collector
