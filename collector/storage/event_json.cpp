#include "collector/storage/event_json.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

nlohmann::json neighbour_or_null(const std::string& event_id) {
  return event_id.empty() ? nlohmann::json(nullptr) : nlohmann::json(event_id);
}

}  // namespace

std::string event_to_json(const StoredEvent& stored, bool with_payload, bool with_neighbours) {
  const DigestedEvent& event = stored.event;
  nlohmann::json tags = nlohmann::json::array();
  for (const auto& [key, value] : event.tags) tags.push_back({{"key", key}, {"value", value}});
  nlohmann::json shown = {{"event_id", event.event_id},
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
  if (with_neighbours) {
    shown["newer_event_id"] = neighbour_or_null(stored.newer_event_id);
    shown["older_event_id"] = neighbour_or_null(stored.older_event_id);
  }
  std::string text = shown.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (!with_payload) return text;
  text.pop_back();  // the closing brace
  text += ",\"payload\":";
  text += event.payload;
  text += '}';
  return text;
}

}  // namespace trapline::collector
