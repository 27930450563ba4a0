#include "collector/http/item_routes.h"

#include <string>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "collector/http/api_support.h"
#include "collector/http/query_params.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

json null_or_text(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }
/// Clients that tell no duration have -1.
json duration(std::int64_t milliseconds) { return milliseconds < 0 ? json(nullptr) : json(milliseconds); }

std::string_view to_word(SessionStatus status) {
  switch (status) {
    case SessionStatus::kOk:
      return "ok";
    case SessionStatus::kExited:
      return "exited";
    case SessionStatus::kErrored:
      return "errored";
    case SessionStatus::kUnhandled:
      return "unhandled";
    case SessionStatus::kCrashed:
      return "crashed";
    case SessionStatus::kAbnormal:
      break;
  }
  return "abnormal";
}

std::string_view to_word(CheckInStatus status) {
  switch (status) {
    case CheckInStatus::kInProgress:
      return "in_progress";
    case CheckInStatus::kOk:
      return "ok";
    case CheckInStatus::kError:
      break;
  }
  return "error";
}

json fields_of(const SessionUpdate& session) {
  return {{"sid", session.sid},
          {"user", null_or_text(session.user)},
          {"status", to_word(session.status)},
          {"errors", session.errors},
          {"started", core::format_timestamp(session.started)},
          {"duration_ms", duration(session.duration_ms)},
          {"release", null_or_text(session.release)},
          {"environment", null_or_text(session.environment)}};
}

json fields_of(const SessionCounts& counts) {
  return {{"user", null_or_text(counts.user)},
          {"started", core::format_timestamp(counts.started)},
          {"exited", counts.exited},
          {"errored", counts.errored},
          {"crashed", counts.crashed},
          {"abnormal", counts.abnormal},
          {"release", null_or_text(counts.release)},
          {"environment", null_or_text(counts.environment)}};
}

json fields_of(const UserReport& report) {
  return {{"event_id", null_or_text(report.event_id)},
          {"name", null_or_text(report.name)},
          {"email", null_or_text(report.email)},
          {"message", report.message},
          {"url", null_or_text(report.url)}};
}

json fields_of(const CheckIn& check_in) {
  json config = json::parse(check_in.monitor_config, nullptr, false);
  if (config.is_discarded()) config = nullptr;
  return {{"check_in_id", check_in.check_in_id},       {"monitor", check_in.monitor},
          {"status", to_word(check_in.status)},        {"duration_ms", duration(check_in.duration_ms)},
          {"release", null_or_text(check_in.release)}, {"environment", null_or_text(check_in.environment)},
          {"monitor_config", std::move(config)}};
}

json fields_of(const Transaction& transaction) {
  return {
      {"event_id", null_or_text(transaction.event_id)},      {"name", transaction.name},
      {"operation", null_or_text(transaction.operation)},    {"status", null_or_text(transaction.status)},
      {"trace_id", null_or_text(transaction.trace_id)},      {"started", core::format_timestamp(transaction.started)},
      {"duration_ms", duration(transaction.duration_ms)},    {"release", null_or_text(transaction.release)},
      {"environment", null_or_text(transaction.environment)}};
}

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
