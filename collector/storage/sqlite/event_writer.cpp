#include "collector/storage/sqlite/event_writer.h"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "collector/storage/sqlite/payload_codec.h"

namespace trapline::collector::sqlite {
namespace {

constexpr UnixMillis kHourMs = 3'600'000;

constexpr std::string_view kFindEvent = "SELECT 1 FROM event WHERE project_id = ?1 AND event_id = ?2";

// What an issue shows is what its newest event says; a late, old event changes nothing but counts and first_seen.
constexpr std::string_view kUpsertIssue = R"(
  INSERT INTO issue (project_id, fingerprint, title, type, value, culprit, platform, level, count, first_seen, last_seen)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?10, ?9, ?9)
  ON CONFLICT (project_id, fingerprint) DO UPDATE SET
    title    = iif(excluded.last_seen >= last_seen, excluded.title, title),
    type     = iif(excluded.last_seen >= last_seen, excluded.type, type),
    value    = iif(excluded.last_seen >= last_seen, excluded.value, value),
    culprit  = iif(excluded.last_seen >= last_seen, excluded.culprit, culprit),
    platform = iif(excluded.last_seen >= last_seen, excluded.platform, platform),
    level    = iif(excluded.last_seen >= last_seen, excluded.level, level),
    count      = count + excluded.count,
    first_seen = min(first_seen, excluded.first_seen),
    last_seen  = max(last_seen, excluded.last_seen)
  RETURNING id, count)";

constexpr std::string_view kInsertEvent = R"(
  INSERT INTO event (project_id, event_id, issue_id, received_at, timestamp, level, platform, environment, "release",
                     "transaction", server_name, user, title, type, value, culprit, tags, payload)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18))";

constexpr std::string_view kCountHour = R"(
  INSERT INTO issue_hour (issue_id, hour, count) VALUES (?1, ?2, ?3)
  ON CONFLICT (issue_id, hour) DO UPDATE SET count = count + excluded.count)";

constexpr std::string_view kInsertUser = "INSERT OR IGNORE INTO issue_user (issue_id, user) VALUES (?1, ?2)";
constexpr std::string_view kCountUser = "UPDATE issue SET user_count = user_count + 1 WHERE id = ?1";

bool is_stored(Connection& connection, const DigestedEvent& event) {
  return connection.prepare(kFindEvent).bind(event.project_id, std::string_view(event.event_id)).step();
}

struct UpsertedIssue {
  IssueId id = 0;
  bool is_new = false;
};

UpsertedIssue upsert_issue(Connection& connection, const DigestedEvent& event) {
  Statement statement = connection.prepare(kUpsertIssue);
  statement.bind(event.project_id, std::string_view(event.fingerprint), std::string_view(event.title),
                 std::string_view(event.type), std::string_view(event.value), std::string_view(event.culprit),
                 std::string_view(event.platform), static_cast<int>(event.level), event.timestamp, event.occurrences);
  statement.step();
  const UpsertedIssue issue{statement.integer(0), statement.integer(1) == event.occurrences};
  statement.run();
  return issue;
}

std::string tags_json(const DigestedEvent& event) {
  nlohmann::json tags = nlohmann::json::array();
  for (const auto& [key, value] : event.tags) tags.push_back({key, value});
  return tags.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void insert_event(Connection& connection, const DigestedEvent& event, IssueId issue, const std::string& payload) {
  const std::string tags = tags_json(event);
  Statement statement = connection.prepare(kInsertEvent);
  statement.bind(event.project_id, std::string_view(event.event_id), issue, event.received_at, event.timestamp,
                 static_cast<int>(event.level), std::string_view(event.platform), std::string_view(event.environment),
                 std::string_view(event.release), std::string_view(event.transaction),
                 std::string_view(event.server_name), std::string_view(event.user), std::string_view(event.title),
                 std::string_view(event.type), std::string_view(event.value), std::string_view(event.culprit),
                 std::string_view(tags));
  statement.bind_blob(payload);
  statement.run();
}

void count(Connection& connection, const DigestedEvent& event, IssueId issue) {
  const UnixMillis hour = event.timestamp - (event.timestamp % kHourMs + kHourMs) % kHourMs;
  connection.prepare(kCountHour).bind(issue, hour, event.occurrences).run();
  if (event.user.empty()) return;
  connection.prepare(kInsertUser).bind(issue, std::string_view(event.user)).run();
  if (connection.changes() > 0) connection.prepare(kCountUser).bind(issue).run();
}

}  // namespace

AppendOutcome append_events(Connection& connection, std::span<const DigestedEvent> batch) {
  // Compressing is the largest part of the work and needs no lock: done before the transaction begins.
  std::vector<std::string> payloads;
  payloads.reserve(batch.size());
  for (const DigestedEvent& event : batch) payloads.push_back(pack_payload(event.payload));

  AppendOutcome outcome;
  Transaction transaction(connection);
  for (std::size_t index = 0; index < batch.size(); ++index) {
    const DigestedEvent& event = batch[index];
    if (is_stored(connection, event)) {
      ++outcome.duplicates;
      continue;
    }
    const UpsertedIssue issue = upsert_issue(connection, event);
    insert_event(connection, event, issue.id, payloads[index]);
    count(connection, event, issue.id);
    ++outcome.stored;
    if (issue.is_new) ++outcome.new_issues;
  }
  transaction.commit();
  return outcome;
}

}  // namespace trapline::collector::sqlite
