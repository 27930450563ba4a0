#include "collector/commands.h"

#include <algorithm>
#include <charconv>
#include <iostream>
#include <memory>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "collector/accounts/accounts.h"
#include "collector/http/api_json.h"
#include "collector/ingest/address.h"
#include "collector/serve.h"
#include "collector/storage/open_store.h"
#include "sdk/core/ascii.h"
#include "sdk/core/random.h"

namespace trapline::collector {
namespace {

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

Result<Project> find_by_name(Store& store, const std::string& name) {
  const auto projects = store.list_projects();
  if (!projects) return projects.error();
  for (const Project& project : *projects) {
    if (project.name == name) return project;
  }
  return Error{"not_found", "there is no project named '" + name + "'"};
}

Result<std::int64_t> read_rate_limit(const std::string& text) {
  if (text == "none") return std::int64_t{0};
  if (text == "free") return kFreeRateLimitPerHour;
  if (text == "pro") return kProRateLimitPerHour;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) {
    return Error{"invalid_setting",
                 "a rate limit is a number of events an hour, or free, pro or none, not '" + text + "'"};
  }
  return number;
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

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

Status check_project_name(const std::string& name) {
  constexpr std::size_t kMostBytes = 200;
  const bool is_blank = name.find_first_not_of(' ') == std::string::npos;
  if (!is_blank && name.size() <= kMostBytes && !has_control(name)) return {};
  return Error{"invalid_setting", "a project's name has 1 to 200 bytes on one line, with more than blanks in it"};
}

/// An entry of the list as it is compared: without blanks around it and slashes at its end.
Result<std::string> read_origin(std::string_view text) {
  text = core::trim(text);
  text = text.substr(0, text.find_last_not_of(" \t/") + 1);
  const std::size_t scheme_end = text.find("://");
  const std::string_view host = scheme_end == std::string_view::npos ? text : text.substr(scheme_end + 3);
  // Without a scheme, any port is meant; a page's origin has no path, and a host is never without a name.
  const bool has_odd_port = host.ends_with(':') || (scheme_end == std::string_view::npos && !host.starts_with('[') &&
                                                    host.find(':') != std::string_view::npos);
  const bool is_origin = !host.empty() && scheme_end != 0 && !has_odd_port &&
                         host.find_first_of("/?# \t") == std::string_view::npos && !has_control(text);
  if (is_origin) return std::string(text);
  return Error{"invalid_setting",
               "--allowed-origins takes entries such as https://shop.example, shop.example and *.example, not '" +
                   std::string(text) + "'"};
}

/// Writes the changes into the settings.
Status apply(const ProjectChanges& changes, IngestSettings& settings) {
  if (changes.require_signature) {
    if (*changes.require_signature != "on" && *changes.require_signature != "off") {
      return Error{"invalid_setting", "--require-signature takes on or off, not '" + *changes.require_signature + "'"};
    }
    settings.require_signature = *changes.require_signature == "on";
  }
  if (changes.allowed_origins) {
    settings.allowed_origins.clear();
    for (const std::string& entry : split_list(*changes.allowed_origins)) {
      auto origin = read_origin(entry);
      if (!origin) return origin.error();
      settings.allowed_origins.push_back(std::move(*origin));
    }
  }
  if (changes.allowed_ips) {
    settings.allowed_ips = split_list(*changes.allowed_ips);
    for (const std::string& range : settings.allowed_ips) {
      if (!AddressRange::parse(range)) {
        return Error{"invalid_setting",
                     "--allowed-ips takes addresses and ranges such as 192.0.2.7 and 10.0.0.0/8, not '" + range + "'"};
      }
    }
  }
  if (changes.rate_limit) {
    const auto limit = read_rate_limit(*changes.rate_limit);
    if (!limit) return limit.error();
    settings.rate_limit_per_hour = *limit;
  }
  return {};
}

}  // namespace

Status create_project(const Config& config, const std::string& name) {
  if (Status status = check_project_name(name); !status) return status;
  auto store = open_configured_store(config);
  if (!store) return store.error();
  const auto project = (*store)->create_project(name, core::random_hex(kProjectKeyBytes));
  if (!project) return project.error();
  std::cout << make_dsn(config.public_url_at(config.port), *project) << '\n';
  return {};
}

Status change_project(const Config& config, const std::string& name, const ProjectChanges& changes) {
  auto store = open_configured_store(config);
  if (!store) return store.error();
  const auto project = find_by_name(**store, name);
  if (!project) return project.error();
  auto settings = (*store)->find_ingest_settings(project->id);
  if (!settings) return settings.error();
  if (Status status = apply(changes, *settings); !status) return status;
  return (*store)->set_ingest_settings(project->id, *settings);
}

Status create_key(const Config& config, const std::string& project, bool with_secret, const std::string& rate_limit) {
  auto store = open_configured_store(config);
  if (!store) return store.error();
  auto owner = find_by_name(**store, project);
  if (!owner) return owner.error();
  const auto limit = read_rate_limit(rate_limit);
  if (!limit) return limit.error();
  const ProjectKey key{core::random_hex(kProjectKeyBytes), with_secret ? core::random_hex(kProjectKeyBytes) : "",
                       owner->id, true, *limit};
  if (Status status = (*store)->create_key(key); !status) return status;
  owner->public_key = with_secret ? key.public_key + ":" + key.secret_key : key.public_key;
  std::cout << make_dsn(config.public_url_at(config.port), *owner) << '\n';
  return {};
}

Status set_key_active(const Config& config, const std::string& public_key, bool is_active) {
  auto store = open_configured_store(config);
  if (!store) return store.error();
  auto directory = (*store)->load_ingest_directory();
  if (!directory) return directory.error();
  for (ProjectKey& key : directory->keys) {
    if (key.public_key != public_key) continue;
    key.is_active = is_active;
    return (*store)->update_key(key);
  }
  return Error{"not_found", "no project has the key " + public_key};
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
