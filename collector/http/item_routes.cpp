#include "collector/http/item_routes.h"

#include <string>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "collector/http/api_support.h"
#include "collector/http/item_json.h"
#include "collector/http/query_params.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

json null_or_text(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

template <class Content>
HttpReply list_items(const ApiContext& context, const HttpRequest& request, ItemKind kind) {
  const auto project = project_of_path(context, request);
  if (!project) return error_reply(project.error());
  const auto query = read_item_query(request, project->id, kind);
  if (!query) return error_reply(query.error());
  const auto page = context.store.find_items(*query);
  if (!page) return error_reply(page.error());
  json items = json::array();
  for (const StoredItem& item : page->items) {
    json shown = fields_of(std::get<Content>(item.content));
    shown["id"] = item.item_id;
    shown["received_at"] = core::format_timestamp(item.received_at);
    items.push_back(std::move(shown));
  }
  return json_reply({{"items", std::move(items)}, {"next_cursor", null_or_text(page->next_cursor)}});
}

template <class Content, ItemKind kKind>
HttpReply list(const ApiContext& context, const HttpRequest& request) {
  return list_items<Content>(context, request, kKind);
}

}  // namespace

void add_item_routes(Router& router, const ApiContext& context) {
  const auto add = [&](const std::string& name, ApiWork work) {
    add_reading(router, context, "/api/v1/projects/{id}/" + name, work);
  };
  add("sessions", list<SessionUpdate, ItemKind::kSession>);
  add("session-counts", list<SessionCounts, ItemKind::kSessions>);
  add("check-ins", list<CheckIn, ItemKind::kCheckIn>);
  add("feedback", list<UserReport, ItemKind::kFeedback>);
  add("transactions", list<Transaction, ItemKind::kTransaction>);
}

}  // namespace trapline::collector
