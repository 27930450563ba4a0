#include "collector/http/project_routes.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "collector/http/api_json.h"
#include "collector/http/api_support.h"
#include "collector/http/authentication.h"
#include "collector/http/live_feed.h"
#include "collector/http/project_change.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

HttpReply no_content() {
  HttpReply reply;
  reply.status = 204;
  return reply;
}

HttpReply project_reply(const ApiContext& context, const Project& project, int status = 200) {
  const auto settings = context.store.find_ingest_settings(project.id);
  return settings ? json_reply(to_json(project, *settings, *context.public_url), status)
                  : error_reply(settings.error());
}

HttpReply list_projects(const ApiContext& context, const HttpRequest& /*request*/) {
  const auto projects = context.store.list_projects();
  if (!projects) return error_reply(projects.error());
  const auto directory = context.store.load_ingest_directory();
  if (!directory) return error_reply(directory.error());
  std::map<ProjectId, const IngestSettings*> settings;
  for (const IngestDirectory::Entry& entry : directory->projects) settings[entry.project_id] = &entry.settings;
  json items = json::array();
  for (const Project& project : *projects) {
    const auto own = settings.find(project.id);
    if (own == settings.end()) continue;  // deleted in between
    items.push_back(to_json(project, *own->second, *context.public_url));
  }
  return json_reply({{"items", std::move(items)}, {"next_cursor", nullptr}});
}

HttpReply get_project(const ApiContext& context, const HttpRequest& request) {
  const auto project = project_of_path(context, request);
  return project ? project_reply(context, *project) : error_reply(project.error());
}

HttpReply create_one(const ApiContext& context, const HttpRequest& request, const std::string& /*actor*/) {
  const auto name = read_new_project(request.body);
  if (!name) return error_reply(name.error());
  const auto project = create_project(context.store, *name);
  return project ? project_reply(context, *project, 201) : error_reply(project.error());
}

HttpReply change_one(const ApiContext& context, const HttpRequest& request, const std::string& /*actor*/) {
  const auto project = project_of_path(context, request);
  if (!project) return error_reply(project.error());
  const auto change = read_project_change(request.body);
  if (!change) return error_reply(change.error());
  const Status status = change_project(context.store, project->id, *change);
  return status ? get_project(context, request) : error_reply(status.error());
}

/// Wants the name once more: an id mistyped must not cost a project.
HttpReply delete_one(const ApiContext& context, const HttpRequest& request, const std::string& /*actor*/) {
  const auto project = project_of_path(context, request);
  if (!project) return error_reply(project.error());
  if (request.query_value("confirm") != project->name) {
    return error_reply(Error{"invalid_parameter",
                             "this deletes the project with all of its events: ?confirm=<its name> says that you mean "
                             "'" +
                                 project->name + "'"});
  }
  const Status status = context.store.delete_project(project->id);
  if (!status) return error_reply(status.error());
  if (context.live != nullptr) context.live->project_deleted(project->id);
  return no_content();
}

HttpReply list_keys(const ApiContext& context, const HttpRequest& request) {
  const auto project = project_of_path(context, request);
  if (!project) return error_reply(project.error());
  const auto keys = context.store.list_keys(project->id);
  if (!keys) return error_reply(keys.error());
  json items = json::array();
  for (const ProjectKey& key : *keys) items.push_back(to_json(key, *context.public_url));
  return json_reply({{"items", std::move(items)}, {"next_cursor", nullptr}});
}

HttpReply create_one_key(const ApiContext& context, const HttpRequest& request, const std::string& /*actor*/) {
  const auto project = project_of_path(context, request);
  if (!project) return error_reply(project.error());
  const auto wishes = read_new_key(request.body);
  if (!wishes) return error_reply(wishes.error());
  const auto key = create_key(context.store, project->id, wishes->with_secret, wishes->rate_limit_per_hour);
  if (!key) return error_reply(key.error());
  // The only time that the secret is shown, alone and in the DSN.
  json shown = to_json(*key, *context.public_url);
  shown["secret_key"] = key->secret_key.empty() ? json(nullptr) : json(key->secret_key);
  shown["dsn"] = make_dsn(*context.public_url, *key);
  return json_reply(shown, 201);
}

/// Ok when the project of the path has the key of the path.
Status check_key_of_path(const ApiContext& context, const HttpRequest& request) {
  const auto project = project_of_path(context, request);
  if (!project) return project.error();
  const auto keys = context.store.list_keys(project->id);
  if (!keys) return keys.error();
  const std::string& wanted = request.path_params.at(1);
  const bool is_there =
      std::any_of(keys->begin(), keys->end(), [&](const ProjectKey& key) { return key.public_key == wanted; });
  return is_there ? Status{} : Status{no_such("key", wanted)};
}

HttpReply change_one_key(const ApiContext& context, const HttpRequest& request, const std::string& /*actor*/) {
  if (const Status status = check_key_of_path(context, request); !status) return error_reply(status.error());
  const auto change = read_key_change(request.body);
  if (!change) return error_reply(change.error());
  const auto key = context.store.change_key(request.path_params.at(1), *change);
  return key ? json_reply(to_json(*key, *context.public_url)) : error_reply(key.error());
}

HttpReply delete_one_key(const ApiContext& context, const HttpRequest& request, const std::string& /*actor*/) {
  if (const Status status = check_key_of_path(context, request); !status) return error_reply(status.error());
  const Status status = context.store.delete_key(request.path_params.at(1));
  return status ? no_content() : error_reply(status.error());
}

}  // namespace

void add_project_routes(Router& router, const ApiContext& context) {
  const auto reads = [&](std::string_view pattern, ApiWork work) { add_reading(router, context, pattern, work); };
  const auto changes = [&](const char* method, std::string_view pattern, ApiChange work) {
    add_changing(router, context, method, pattern, authenticate_admin, work);
  };
  reads("/api/v1/projects", list_projects);
  reads("/api/v1/projects/{id}", get_project);
  reads("/api/v1/projects/{id}/keys", list_keys);
  changes("POST", "/api/v1/projects", create_one);
  changes("PATCH", "/api/v1/projects/{id}", change_one);
  changes("DELETE", "/api/v1/projects/{id}", delete_one);
  changes("POST", "/api/v1/projects/{id}/keys", create_one_key);
  changes("PATCH", "/api/v1/projects/{id}/keys/{public_key}", change_one_key);
  changes("DELETE", "/api/v1/projects/{id}/keys/{public_key}", delete_one_key);
}

}  // namespace trapline::collector
