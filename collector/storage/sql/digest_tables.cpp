#include "collector/storage/sql/digest_tables.h"

#include "collector/storage/sql/encryption_keys.h"
#include "collector/storage/sql/event_codec.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sql {
namespace {

constexpr std::string_view kAdd = R"(
  INSERT INTO ledger (project_id, hour, "release", outcome, reason, count) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
  ON CONFLICT (project_id, hour, "release", outcome, reason) DO UPDATE SET count = ledger.count + excluded.count)";

void add(Connection& connection, ProjectId project, UnixMillis hour, std::string_view release, std::string_view outcome,
         std::string_view reason, std::int64_t count) {
  if (count == 0) return;
  connection.prepare(kAdd).bind(project, hour, release, outcome, reason, count).run();
}

}  // namespace

void add_to_ledger(Connection& connection, ProjectId project, const LedgerEntry& entry) {
  add(connection, project, entry.hour, entry.release, entry.outcome, entry.reason, entry.count);
}

Ledger::Line& Ledger::line(const DigestedEvent& event) {
  return lines_[{event.project_id, start_of(event.received_at, kHourMs), event.release}];
}

void Ledger::write(Connection& connection) const {
  for (const auto& [key, line] : lines_) {
    const auto& [project, hour, release] = key;
    add(connection, project, hour, release, "stored", "", line.stored);
    add(connection, project, hour, release, "duplicate", "", line.duplicates);
    add(connection, project, hour, release, "counted_only", "storm", line.counted_only);
  }
}

std::int64_t digest_position(Connection& connection, std::string_view node) {
  Statement statement = connection.prepare("SELECT sequence FROM node_position WHERE node = ?");
  statement.bind(node);
  return statement.step() ? statement.integer(0) : 0;
}

void move_digest_position(Connection& connection, std::string_view node, std::int64_t sequence, bool is_anew) {
  if (sequence <= 0) return;  // from no spool
  connection
      .prepare(
          "INSERT INTO node_position (node, sequence) VALUES (?3, ?1) "
          "ON CONFLICT (node) DO UPDATE SET sequence = iif(?2 <> 0, ?1, max(node_position.sequence, ?1))")
      .bind(sequence, is_anew, node)
      .run();
}

void quarantine(Connection& connection, const Sealer& sealer, const QuarantinedEvent& event, std::string_view node,
                UnixMillis now) {
  const std::string packed = sealer.seal(pack_bytes(event.payload), quarantine_place(event.project_id, event.event_id));
  Transaction transaction(connection);
  const bool was_given_before = event.sequence > 0 && event.sequence <= digest_position(connection, node);
  const bool is_live = connection.prepare("SELECT 1 FROM live_project WHERE id = ?").bind(event.project_id).step();
  if (!is_live) {
    move_digest_position(connection, node, event.sequence, false);
    return transaction.commit();
  }
  Statement insert = connection.prepare(R"(
    INSERT INTO quarantined_event (project_id, event_id, received_at, tries, error, payload) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (project_id, event_id) DO NOTHING)");
  insert.bind(event.project_id, std::string_view(event.event_id), event.received_at, event.tries,
              std::string_view(event.error));
  insert.bind_blob(packed);
  insert.run();
  const bool is_new = connection.changes() > 0;
  note_key(connection, sealer, now);
  if (is_new || !was_given_before) {
    add(connection, event.project_id, start_of(event.received_at, kHourMs), "", is_new ? "quarantined" : "duplicate",
        "", 1);
  }
  move_digest_position(connection, node, event.sequence, is_new && was_given_before);
  transaction.commit();
}

std::int64_t place_epoch(Connection& connection) {
  Statement statement = connection.prepare("SELECT number FROM place_epoch");
  statement.step();
  return statement.integer(0);
}

void end_place_epoch(Connection& connection) { connection.prepare("UPDATE place_epoch SET number = number + 1").run(); }

std::vector<QuarantinedEvent> list_quarantine(Connection& connection, const Sealer& sealer, ProjectId project) {
  Statement statement = connection.prepare(
      "SELECT event_id, received_at, tries, error, payload FROM quarantined_event WHERE project_id = ? "
      "ORDER BY id DESC LIMIT 100");
  statement.bind(project);
  std::vector<QuarantinedEvent> events;
  while (statement.step()) {
    QuarantinedEvent& event = events.emplace_back();
    event.project_id = project;
    event.event_id = statement.text(0);
    event.received_at = statement.integer(1);
    event.tries = static_cast<int>(statement.integer(2));
    event.error = statement.text(3);
    std::string opened;
    event.payload = unpack_bytes(sealer.open(statement.text(4), quarantine_place(project, event.event_id), opened));
  }
  return events;
}

std::string digest_settings(Connection& connection, ProjectId project) {
  Statement statement = connection.prepare("SELECT settings FROM digest_settings WHERE project_id = ?");
  statement.bind(project);
  return statement.step() ? std::string(statement.text(0)) : "{}";
}

void set_digest_settings(Connection& connection, ProjectId project, std::string_view settings) {
  Statement statement = connection.prepare(
      "INSERT INTO digest_settings (project_id, settings) SELECT id, ?2 FROM live_project WHERE id = ?1 "
      "ON CONFLICT (project_id) DO UPDATE SET settings = excluded.settings");
  statement.bind(project, settings);
  statement.run();
  if (connection.changes() == 0) throw Refusal("not_found", "there is no project " + std::to_string(project));
}

std::string change_digest_settings(Connection& connection, ProjectId project, const SettingsChange& change) {
  Transaction transaction(connection);
  const auto after = change(digest_settings(connection, project));
  if (!after) throw Refusal(after.error().code, after.error().message);
  set_digest_settings(connection, project, *after);
  transaction.commit();
  return *after;
}

}  // namespace trapline::collector::sql
