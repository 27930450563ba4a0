#include "collector/http/json.h"

#include "sdk/core/timestamp.h"

namespace trapline::collector {

using nlohmann::json;

namespace {

json fields_of(const StoredEvent& stored) {
  const DigestedEvent& event = stored.event;
  json tags = json::array();
  for (const auto& [key, value] : event.tags) tags.push_back({{"key", key}, {"value", value}});
  return {{"event_id", event.event_id},
          {"project_id", std::to_string(event.project_id)},
          {"issue_id", std::to_string(stored.issue_id)},
          {"received_at", core::format_timestamp(event.received_at)},
          {"timestamp", core::format_timestamp(event.timestamp)},
          {"level", to_word(event.level)},
          {"title", event.title},
          {"type", event.type},
          {"value", event.value},
          {"culprit", event.culprit},
          {"platform", event.platform},
          {"environment", event.environment},
          {"release", event.release},
          {"transaction", event.transaction},
          {"server_name", event.server_name},
          {"user", event.user},
          {"tags", std::move(tags)}};
}

std::string with_payload(const json& fields, const std::string& payload) {
  std::string text = to_text(fields);
  if (payload.empty()) return text;
  text.pop_back();
  return text + ",\"payload\":" + payload + '}';
}

json null_when_empty(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

}  // namespace

json to_json_value(const Issue& issue) {
  return {{"id", std::to_string(issue.id)},
          {"project_id", std::to_string(issue.project_id)},
          {"title", issue.title},
          {"type", issue.type},
          {"value", issue.value},
          {"culprit", issue.culprit},
          {"platform", issue.platform},
          {"level", to_word(issue.level)},
          {"status", to_word(issue.status)},
          {"count", issue.count},
          {"user_count", issue.user_count},
          {"first_seen", core::format_timestamp(issue.first_seen)},
          {"last_seen", core::format_timestamp(issue.last_seen)},
          {"daily_counts", issue.daily_counts}};
}

json to_json_value(const User& user) {
  return {{"id", std::to_string(user.id)}, {"email", user.email}, {"role", to_word(user.role)}};
}

json to_json_value(const Project& project, const std::string& dsn) {
  return {{"id", std::to_string(project.id)},
          {"name", project.name},
          {"dsn", dsn},
          {"created_at", core::format_timestamp(project.created_at)}};
}

std::string event_json(const StoredEvent& event) { return with_payload(fields_of(event), event.event.payload); }

std::string event_json_with_neighbours(const StoredEvent& event) {
  json fields = fields_of(event);
  fields["newer_event_id"] = null_when_empty(event.newer_event_id);
  fields["older_event_id"] = null_when_empty(event.older_event_id);
  return with_payload(fields, event.event.payload);
}

std::string page_json(std::span<const std::string> items, const std::string& next_cursor) {
  std::string text = "{\"items\":[";
  for (const std::string& item : items) {
    if (text.back() != '[') text += ',';
    text += item;
  }
  return text + "],\"next_cursor\":" + to_text(null_when_empty(next_cursor)) + '}';
}

std::string to_text(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace trapline::collector
