#include "collector/http/release_routes.h"

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "collector/http/api_support.h"
#include "collector/http/query_params.h"
#include "collector/storage/time_span.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

/// Null of nothing: no sessions are neither good nor bad.
json share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? json(nullptr) : json(static_cast<double>(part) / static_cast<double>(whole));
}

json to_json(const SessionTally& tally) {
  return {{"sessions", tally.sessions},
          {"errored", tally.errored},
          {"crashed", tally.crashed},
          {"abnormal", tally.abnormal},
          {"crash_free_sessions", share(tally.sessions - tally.crashed, tally.sessions)}};
}

/// The last day, unless the request names another time.
Result<ReleaseHealthQuery> read_query(const ApiContext& context, const HttpRequest& request) {
  const auto project = project_of_path(context, request);
  if (!project) return project.error();
  const UnixMillis now = context.clock.unix_millis();
  const auto range = read_time_range(request, {now - kDayMs, now + 1});
  if (!range) return range.error();
  return ReleaseHealthQuery{project->id, std::string(request.query_value("environment")), range->from, range->to};
}

HttpReply list_releases(const ApiContext& context, const HttpRequest& request) {
  const auto query = read_query(context, request);
  if (!query) return error_reply(query.error());
  const auto releases = context.store.list_release_health(*query);
  if (!releases) return error_reply(releases.error());
  std::int64_t sessions = 0;
  std::int64_t users = 0;
  for (const ReleaseHealth& one : *releases) {
    sessions += one.tally.sessions;
    users += one.users;
  }
  json items = json::array();
  for (const ReleaseHealth& one : *releases) {
    json item = to_json(one.tally);
    item["release"] = one.release;
    item["users"] = one.users;
    item["crashed_users"] = one.crashed_users;
    item["crash_free_users"] = share(one.users - one.crashed_users, one.users);
    item["session_adoption"] = share(one.tally.sessions, sessions);
    item["user_adoption"] = share(one.users, users);
    items.push_back(std::move(item));
  }
  return json_reply({{"from", core::format_timestamp(query->from)},
                     {"to", core::format_timestamp(query->to)},
                     {"items", std::move(items)},
                     {"next_cursor", nullptr}});
}

HttpReply list_hours(const ApiContext& context, const HttpRequest& request) {
  const auto query = read_query(context, request);
  if (!query) return error_reply(query.error());
  const auto hours = context.store.list_release_hours(*query, request.query_value("release"));
  if (!hours) return error_reply(hours.error());
  json items = json::array();
  for (const ReleaseHour& one : *hours) {
    json item = to_json(one.tally);
    item["hour"] = core::format_timestamp(one.hour);
    items.push_back(std::move(item));
  }
  return json_reply({{"from", core::format_timestamp(query->from)},
                     {"to", core::format_timestamp(query->to)},
                     {"hours", std::move(items)}});
}

}  // namespace

void add_release_routes(Router& router, const ApiContext& context) {
  add_reading(router, context, "/api/v1/projects/{id}/release-health", list_releases);
  add_reading(router, context, "/api/v1/projects/{id}/release-health/hours", list_hours);
}

}  // namespace trapline::collector
