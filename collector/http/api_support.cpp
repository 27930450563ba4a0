#include "collector/http/api_support.h"

#include <utility>

#include "collector/http/authentication.h"
#include "collector/http/query_params.h"
#include "collector/storage/search_parser.h"

namespace trapline::collector {

void add_reading(Router& router, const ApiContext& context, std::string_view pattern, ApiWork work) {
  router.add("GET", pattern, [context, work](const HttpRequest& request) {
    const Status status = authenticate_reader(context.accounts, request);
    return status ? work(context, request) : error_reply(status.error());
  });
}

void add_changing(Router& router, const ApiContext& context, const char* method, std::string_view pattern,
                  Authenticate authenticate, ApiChange work) {
  router.add(method, pattern, [context, authenticate, work](const HttpRequest& request) {
    const auto actor = authenticate(context.accounts, request);
    return actor ? work(context, request, *actor) : error_reply(actor.error());
  });
}

Result<Project> project_of_path(const ApiContext& context, const HttpRequest& request) {
  const auto id = read_path_id(request.path_params.at(0));
  if (!id) return id.error();
  auto project = context.store.find_project(*id);
  if (!project) return project.error();
  if (!*project) return no_such("project", request.path_params.at(0));
  return std::move(**project);
}

Result<Issue> issue_of_path(const ApiContext& context, const HttpRequest& request) {
  const auto id = read_path_id(request.path_params.at(0));
  if (!id) return id.error();
  auto issue = context.store.find_issue(*id);
  if (!issue) return issue.error();
  if (!*issue) return no_such("issue", request.path_params.at(0));
  return std::move(**issue);
}

Result<Search> read_search(const ApiContext& context, const HttpRequest& request) {
  const std::string_view text = request.query_value("query");
  if (text.empty()) return Search{};
  const auto user = signed_in_user(context.accounts, request);
  if (!user) return user.error();
  return parse_search(text, {.now = context.clock.unix_millis(), .me = *user});
}

core::Error no_such(std::string_view what, std::string_view name) {
  constexpr std::size_t kMostShown = 80;
  return {"not_found", "there is no " + std::string(what) + " " + std::string(name.substr(0, kMostShown))};
}

}  // namespace trapline::collector
