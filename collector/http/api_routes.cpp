#include "collector/http/api_routes.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "collector/http/api_json.h"
#include "collector/http/api_support.h"
#include "collector/http/digest_routes.h"
#include "collector/http/export_routes.h"
#include "collector/http/issue_routes.h"
#include "collector/http/item_routes.h"
#include "collector/http/live_routes.h"
#include "collector/http/project_routes.h"
#include "collector/http/query_params.h"
#include "collector/http/release_routes.h"
#include "collector/http/search_routes.h"
#include "collector/http/stats_routes.h"
#include "collector/http/user_routes.h"
#include "collector/storage/time_span.h"
#include "sdk/core/event_id.h"
#include "sdk/core/timestamp.h"

// In openapi_text.S.
extern "C" const char kTraplineOpenapiJson[];
extern "C" const char kTraplineOpenapiJsonEnd[];

namespace trapline::collector {
namespace {

using nlohmann::json;

constexpr UnixMillis kFourteenDaysMs = 14 * kDayMs;

HttpReply raw_json(std::string text) {
  HttpReply reply;
  reply.body = std::move(text);
  return reply;
}

HttpReply list_issues(const ApiContext& context, const HttpRequest& request) {
  auto query = read_issue_query(request);
  if (!query) return error_reply(query.error());
  auto search = read_search(context, request);
  if (!search) return error_reply(search.error());
  query->search = *std::move(search);
  const auto page = context.store.find_issues(*query);
  if (!page) return error_reply(page.error());
  json items = json::array();
  for (const Issue& issue : page->items) items.push_back(to_json(issue));
  const json cursor = page->next_cursor.empty() ? json(nullptr) : json(page->next_cursor);
  return json_reply({{"items", std::move(items)}, {"next_cursor", cursor}});
}

HttpReply get_issue(const ApiContext& context, const HttpRequest& request) {
  const auto issue = issue_of_path(context, request);
  return issue ? json_reply(to_json(*issue)) : error_reply(issue.error());
}

HttpReply events_page(const ApiContext& context, const EventQuery& query) {
  const auto page = context.store.find_events(query);
  if (!page) return error_reply(page.error());
  std::vector<std::string> items;
  items.reserve(page->items.size());
  for (const StoredEvent& event : page->items) items.push_back(event_to_json(event, query.with_payload, false));
  return raw_json(page_to_json(items, page->next_cursor));
}

HttpReply list_issue_events(const ApiContext& context, const HttpRequest& request) {
  const auto issue = issue_of_path(context, request);
  if (!issue) return error_reply(issue.error());
  auto query = read_event_query(request);
  if (!query) return error_reply(query.error());
  query->issue_id = issue->id;
  return events_page(context, *query);
}

HttpReply list_events(const ApiContext& context, const HttpRequest& request) {
  const auto query = read_event_query(request);
  return query ? events_page(context, *query) : error_reply(query.error());
}

HttpReply get_event(const ApiContext& context, const HttpRequest& request) {
  const auto project = read_path_id(request.path_params.at(0));
  if (!project) return error_reply(project.error());
  const auto event_id = core::normalise_event_id(request.path_params.at(1));
  if (!event_id) {
    return error_reply(Error{"invalid_parameter",
                             "an event id is 32 hex digits, not '" + request.path_params.at(1).substr(0, 80) + "'"});
  }
  const auto event = context.store.find_event(*project, *event_id);
  if (!event) return error_reply(event.error());
  if (!*event) return error_reply(no_such("event", *event_id));
  return raw_json(event_to_json(**event, true, true));
}

HttpReply get_issue_stats(const ApiContext& context, const HttpRequest& request) {
  const auto issue = issue_of_path(context, request);
  if (!issue) return error_reply(issue.error());
  const UnixMillis now = context.clock.unix_millis();
  const auto range = read_time_range(request, {now - kFourteenDaysMs, now + 1});
  if (!range) return error_reply(range.error());
  const auto counts = context.store.count_by_hour(issue->id, range->from, range->to);
  if (!counts) return error_reply(counts.error());
  json hours = json::array();
  for (const HourCount& hour : *counts) {
    hours.push_back({{"hour", core::format_timestamp(hour.hour)}, {"count", hour.count}});
  }
  return json_reply({{"from", core::format_timestamp(range->from)},
                     {"to", core::format_timestamp(range->to)},
                     {"hours", std::move(hours)}});
}

}  // namespace

void add_api_routes(Router& router, const ApiContext& context) {
  const auto add = [&](std::string_view pattern, ApiWork work) { add_reading(router, context, pattern, work); };
  add_export_routes(router, context);  // before those with an id in that place, as the next
  add_search_routes(router, context);
  add("/api/v1/issues", list_issues);
  add("/api/v1/issues/{id}", get_issue);
  add("/api/v1/issues/{id}/events", list_issue_events);
  add("/api/v1/issues/{id}/stats", get_issue_stats);
  add("/api/v1/events", list_events);
  add("/api/v1/events/{project}/{event_id}", get_event);
  add_project_routes(router, context);
  add_item_routes(router, context);
  add_stats_routes(router, context);
  add_live_routes(router, context);
  add_issue_routes(router, context);
  add_digest_routes(router, context);
  add_release_routes(router, context);
  add_user_routes(router, context);
  router.add("GET", "/api/v1/openapi.json", [](const HttpRequest&) { return raw_json(std::string(openapi_text())); });
}

std::string_view openapi_text() { return {kTraplineOpenapiJson, kTraplineOpenapiJsonEnd}; }

}  // namespace trapline::collector
