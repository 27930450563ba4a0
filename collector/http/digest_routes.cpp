#include "collector/http/digest_routes.h"

#include <nlohmann/json.hpp>

#include "collector/digest/digest_event.h"
#include "collector/http/api_json.h"
#include "collector/http/api_support.h"
#include "collector/http/authentication.h"
#include "collector/http/query_params.h"
#include "collector/storage/time_span.h"
#include "sdk/core/event_id.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

HttpReply get_settings(const ApiContext& context, const HttpRequest& request) {
  const auto project = project_of_path(context, request);
  if (!project) return error_reply(project.error());
  const auto settings = context.store.digest_settings(project->id);
  if (!settings) return error_reply(settings.error());
  HttpReply reply;
  reply.body = *settings;
  return reply;
}

HttpReply patch_settings(const ApiContext& context, const HttpRequest& request, const std::string& /*actor*/) {
  const auto project = project_of_path(context, request);
  if (!project) return error_reply(project.error());
  bool is_request_wrong = false;
  const auto after = context.store.change_digest_settings(project->id, [&](std::string_view before) {
    auto changed = change_settings(before, request.body);
    is_request_wrong = !changed;
    return changed;
  });
  if (!after && is_request_wrong) return error_reply(400, after.error().code, after.error().message);
  if (!after) return error_reply(after.error());
  HttpReply reply;
  reply.body = *after;
  return reply;
}

json to_json(const GroupPart& part) {
  json shown = {{"what", part.what}, {"value", part.value}, {"of", part.of}, {"counts", part.counts}};
  if (!part.counts) shown["why_not"] = part.why;
  return shown;
}

HttpReply explain_event(const ApiContext& context, const HttpRequest& request) {
  const auto project = project_of_path(context, request);
  if (!project) return error_reply(project.error());
  const auto event_id = core::normalise_event_id(request.path_params.at(1));
  const auto event = context.store.find_event(project->id, event_id.value_or(""));
  if (!event) return error_reply(event.error());
  if (!*event) return error_reply(Error{"not_found", "there is no event " + request.path_params.at(1).substr(0, 80)});
  const auto text = context.store.digest_settings(project->id);
  if (!text) return error_reply(text.error());
  const auto settings = DigestSettings::read(*text);
  const GroupingExplanation explanation =
      explain_grouping((*event)->event, settings ? *settings : DigestSettings::defaults());
  json parts = json::array();
  for (const GroupPart& part : explanation.keys.parts) parts.push_back(to_json(part));
  return json_reply({{"issue_id", std::to_string((*event)->issue_id)},
                     {"version", explanation.version},
                     {"fine", explanation.keys.fine},
                     {"coarse", explanation.keys.coarse.empty() ? json(nullptr) : json(explanation.keys.coarse)},
                     {"rule_title", explanation.rule_title.empty() ? json(nullptr) : json(explanation.rule_title)},
                     {"parts", std::move(parts)}});
}

HttpReply list_quarantine(const ApiContext& context, const HttpRequest& request) {
  const auto project = project_of_path(context, request);
  if (!project) return error_reply(project.error());
  const auto events = context.store.list_quarantine(project->id);
  if (!events) return error_reply(events.error());
  json items = json::array();
  for (const QuarantinedEvent& event : *events) items.push_back(trapline::collector::to_json(event));
  return json_reply({{"items", std::move(items)}, {"next_cursor", nullptr}});
}

HttpReply get_ledger(const ApiContext& context, const HttpRequest& request) {
  const auto project = project_of_path(context, request);
  if (!project) return error_reply(project.error());
  const UnixMillis now = context.clock.unix_millis();
  const auto query = read_ledger_query(request, project->id, {now - kDayMs, now + 1});
  if (!query) return error_reply(query.error());
  const auto page = context.store.find_ledger(*query);
  if (!page) return error_reply(page.error());
  json items = json::array();
  for (const LedgerEntry& entry : page->items) items.push_back(trapline::collector::to_json(entry));
  return json_reply({{"from", core::format_timestamp(query->from)},
                     {"to", core::format_timestamp(query->to)},
                     {"totals", page->totals},
                     {"items", std::move(items)},
                     {"next_cursor", page->next_cursor.empty() ? json(nullptr) : json(page->next_cursor)}});
}

}  // namespace

void add_digest_routes(Router& router, const ApiContext& context) {
  const auto reads = [&](std::string_view pattern, ApiWork work) { add_reading(router, context, pattern, work); };
  reads("/api/v1/projects/{id}/digest", get_settings);
  reads("/api/v1/projects/{id}/quarantine", list_quarantine);
  reads("/api/v1/projects/{id}/ledger", get_ledger);
  reads("/api/v1/events/{project}/{event_id}/grouping", explain_event);
  add_changing(router, context, "PATCH", "/api/v1/projects/{id}/digest", authenticate_writer, patch_settings);
}

}  // namespace trapline::collector
