#include "collector/http/api_json.h"

#include <nlohmann/json.hpp>

#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

json null_or(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

std::string make_dsn(std::string_view public_url, std::string_view user, ProjectId project) {
  const std::size_t scheme_end = public_url.find("://") + 3;
  std::string dsn(public_url.substr(0, scheme_end));
  dsn += user;
  dsn += '@';
  dsn += public_url.substr(scheme_end);
  return dsn + "/" + std::to_string(project);
}

json state_to_json(const IssueState& state) {
  json shown = {{"since", core::format_timestamp(state.status_at)}};
  if (state.resolved_release) shown[state.resolved_is_next ? "after_release" : "in_release"] = *state.resolved_release;
  if (state.ignored_until) shown["until"] = core::format_timestamp(*state.ignored_until);
  if (state.ignored_until_count) shown["until_count"] = *state.ignored_until_count;
  if (state.ignored_until_users) shown["until_users"] = *state.ignored_until_users;
  return shown;
}

}  // namespace

json to_json(const Issue& issue) {
  return {{"id", std::to_string(issue.id)},
          {"project_id", std::to_string(issue.project_id)},
          {"title", issue.title},
          {"type", issue.type},
          {"value", issue.value},
          {"culprit", issue.culprit},
          {"platform", issue.platform},
          {"level", to_word(issue.level)},
          {"status", to_word(issue.status)},
          {"status_details", state_to_json(issue.state)},
          {"assignee", null_or(issue.assignee)},
          {"count", issue.count},
          {"stored_count", issue.stored_count},
          {"user_count", issue.user_count},
          {"first_seen", core::format_timestamp(issue.first_seen)},
          {"last_seen", core::format_timestamp(issue.last_seen)},
          {"first_release", null_or(issue.first_release)},
          {"last_release", null_or(issue.last_release)},
          {"environments", issue.environments},
          {"daily_counts", issue.daily_counts}};
}

json to_json(const IssueHash& hash) {
  return {{"id", std::to_string(hash.id)},
          {"hash", hash.hash},
          {"title", hash.title},
          {"count", hash.count},
          {"first_seen", core::format_timestamp(hash.first_seen)},
          {"last_seen", core::format_timestamp(hash.last_seen)}};
}

json to_json(const HistoryEntry& entry) {
  json details = json::parse(entry.details, nullptr, false);
  if (details.is_discarded()) details = json::object();
  return {{"at", core::format_timestamp(entry.at)},
          {"kind", entry.kind},
          {"actor", null_or(entry.actor)},
          {"details", std::move(details)}};
}

json to_json(const QuarantinedEvent& event) {
  return {{"event_id", event.event_id},
          {"received_at", core::format_timestamp(event.received_at)},
          {"tries", event.tries},
          {"error", event.error},
          {"payload", event.payload}};
}

json to_json(const LedgerEntry& entry) {
  return {{"hour", core::format_timestamp(entry.hour)},
          {"release", null_or(entry.release)},
          {"outcome", entry.outcome},
          {"reason", null_or(entry.reason)},
          {"count", entry.count}};
}

json to_json(const Project& project, const IngestSettings& settings, std::string_view public_url) {
  // Without an active key there is nowhere to send to.
  const json dsn = project.public_key.empty() ? json(nullptr) : json(make_dsn(public_url, project));
  return {{"id", std::to_string(project.id)},
          {"name", project.name},
          {"dsn", dsn},
          {"created_at", core::format_timestamp(project.created_at)},
          {"require_signature", settings.require_signature},
          {"allowed_origins", settings.allowed_origins},
          {"allowed_ips", settings.allowed_ips},
          {"rate_limit_per_hour", settings.rate_limit_per_hour},
          {"retention_days", settings.retention_days}};
}

json to_json(const ProjectKey& key, std::string_view public_url) {
  ProjectKey shown = key;
  shown.secret_key.clear();
  return {{"public_key", key.public_key},       {"has_secret", !key.secret_key.empty()},
          {"is_active", key.is_active},         {"rate_limit_per_hour", key.rate_limit_per_hour},
          {"dsn", make_dsn(public_url, shown)}, {"created_at", core::format_timestamp(key.created_at)}};
}

json to_json(const User& user) {
  return {{"id", std::to_string(user.id)}, {"email", user.email}, {"role", to_word(user.role)}};
}

std::string page_to_json(const std::vector<std::string>& items, std::string_view next_cursor) {
  std::string text = "{\"items\":[";
  for (std::size_t index = 0; index < items.size(); ++index) {
    if (index > 0) text += ',';
    text += items[index];
  }
  text += "],\"next_cursor\":";
  text += next_cursor.empty() ? std::string("null") : dump(json(next_cursor));
  return text + "}";
}

std::string make_dsn(std::string_view public_url, const Project& project) {
  return make_dsn(public_url, project.public_key, project.id);
}

std::string make_dsn(std::string_view public_url, const ProjectKey& key) {
  const bool has_secret = !key.secret_key.empty();
  return make_dsn(public_url, has_secret ? key.public_key + ":" + key.secret_key : key.public_key, key.project_id);
}

}  // namespace trapline::collector
