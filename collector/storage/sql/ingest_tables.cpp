#include "collector/storage/sql/ingest_tables.h"

#include <string>
#include <string_view>

#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/project_table.h"

namespace trapline::collector::sql {
namespace {

constexpr std::string_view kSelectSettings =
    "SELECT id, require_signature, allowed_origins, allowed_ips, rate_limit_per_hour, retention_days FROM live_project";

constexpr std::string_view kSelectKey =
    "SELECT public_key, secret_key, project_id, is_active, rate_limit_per_hour, created_at FROM project_key";

/// Lists are texts with an entry a line.
std::string join(const std::vector<std::string>& entries) {
  std::string text;
  for (const std::string& entry : entries) {
    if (entry.empty()) continue;
    if (!text.empty()) text += '\n';
    text += entry;
  }
  return text;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> entries;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end != 0) entries.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return entries;
}

IngestDirectory::Entry read_settings(const Statement& row) {
  IngestDirectory::Entry entry;
  entry.project_id = row.integer(0);
  entry.settings.require_signature = row.integer(1) != 0;
  entry.settings.allowed_origins = split(row.text(2));
  entry.settings.allowed_ips = split(row.text(3));
  entry.settings.rate_limit_per_hour = row.integer(4);
  entry.settings.retention_days = row.integer(5);
  return entry;
}

ProjectKey read_key(const Statement& row) {
  return {std::string(row.text(0)), std::string(row.text(1)), row.integer(2),
          row.integer(3) != 0,      row.integer(4),           row.integer(5)};
}

/// Duplicates are no refusals: they stand in the ledger with those that digestion finds. Of which release they are
/// nobody has looked.
void add_duplicates(Connection& connection, const RefusalCount& count) {
  connection
      .prepare(
          "INSERT INTO ledger (project_id, hour, \"release\", outcome, reason, count) "
          "SELECT ?1, ?2, '', 'duplicate', 'door', ?3 WHERE EXISTS (SELECT 1 FROM live_project WHERE id = ?1) "
          "ON CONFLICT (project_id, hour, \"release\", outcome, reason) "
          "DO UPDATE SET count = ledger.count + excluded.count")
      .bind(count.project_id, count.hour, count.count)
      .run();
}

}  // namespace

IngestDirectory load_ingest_directory(Connection& connection) {
  IngestDirectory directory;
  Statement projects = connection.prepare(kSelectSettings);
  while (projects.step()) directory.projects.push_back(read_settings(projects));
  Statement keys = connection.prepare(kSelectKey);
  while (keys.step()) directory.keys.push_back(read_key(keys));
  return directory;
}

std::optional<IngestSettings> find_ingest_settings(Connection& connection, ProjectId project) {
  Statement row = connection.prepare(std::string(kSelectSettings) + " WHERE id = ?");
  row.bind(project);
  if (!row.step()) return std::nullopt;
  return read_settings(row).settings;
}

void change_project(Connection& connection, ProjectId project, const ProjectEdit& edit) {
  Transaction transaction(connection);
  const auto found = find_project(connection, project);
  if (!found) throw Refusal("not_found", "there is no project " + std::to_string(project));
  std::string name = found->name;
  IngestSettings settings = find_ingest_settings(connection, project).value();
  if (const Status status = edit(name, settings); !status) throw Refusal(status.error().code, status.error().message);
  if (name != found->name &&
      connection.prepare("SELECT 1 FROM project WHERE name = ?").bind(std::string_view(name)).step()) {
    throw Refusal("conflict", "there is a project named '" + name + "' already");
  }
  const std::string origins = join(settings.allowed_origins);
  const std::string ips = join(settings.allowed_ips);
  connection
      .prepare(
          "UPDATE project SET name = ?, require_signature = ?, allowed_origins = ?, allowed_ips = ?, "
          "rate_limit_per_hour = ?, retention_days = ? WHERE id = ?")
      .bind(std::string_view(name), settings.require_signature ? 1 : 0, std::string_view(origins),
            std::string_view(ips), settings.rate_limit_per_hour, settings.retention_days, project)
      .run();
  transaction.commit();
}

NewKeyOutcome create_key(Connection& connection, const ProjectKey& key) {
  Transaction transaction(connection);
  if (!connection.prepare("SELECT 1 FROM live_project WHERE id = ?").bind(key.project_id).step()) {
    return NewKeyOutcome::kNoProject;
  }
  connection
      .prepare(
          "INSERT INTO project_key (public_key, secret_key, project_id, is_active, rate_limit_per_hour, "
          "created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
      .bind(std::string_view(key.public_key), std::string_view(key.secret_key), key.project_id, key.is_active ? 1 : 0,
            key.rate_limit_per_hour, key.created_at)
      .run();
  if (connection.changes() == 0) return NewKeyOutcome::kExists;
  transaction.commit();
  return NewKeyOutcome::kCreated;
}

std::vector<ProjectKey> list_keys(Connection& connection, ProjectId project) {
  Statement rows =
      connection.prepare(std::string(kSelectKey) + " WHERE project_id = ? ORDER BY created_at, public_key");
  rows.bind(project);
  std::vector<ProjectKey> keys;
  while (rows.step()) keys.push_back(read_key(rows));
  return keys;
}

std::optional<ProjectKey> change_key(Connection& connection, std::string_view public_key, const KeyChange& change) {
  connection
      .prepare(
          "UPDATE project_key SET is_active = coalesce(?, is_active), "
          "rate_limit_per_hour = coalesce(?, rate_limit_per_hour) WHERE public_key = ?")
      .bind(change.is_active, change.rate_limit_per_hour, public_key)
      .run();
  Statement row = connection.prepare(std::string(kSelectKey) + " WHERE public_key = ?");
  row.bind(public_key);
  if (!row.step()) return std::nullopt;
  return read_key(row);
}

bool delete_key(Connection& connection, std::string_view public_key) {
  connection.prepare("DELETE FROM project_key WHERE public_key = ?").bind(public_key).run();
  return connection.changes() > 0;
}

void add_refusals(Connection& connection, std::span<const RefusalCount> counts) {
  Transaction transaction(connection);
  for (const RefusalCount& count : counts) {
    if (count.reason == kDuplicateReason) {
      add_duplicates(connection, count);
      continue;
    }
    connection
        .prepare(
            "INSERT INTO refusal_hour (project_id, hour, reason, count) "
            "SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM live_project WHERE id = ?1) "
            "ON CONFLICT (project_id, hour, reason) DO UPDATE SET count = refusal_hour.count + excluded.count")
        .bind(count.project_id, count.hour, std::string_view(count.reason), count.count)
        .run();
  }
  transaction.commit();
}

std::vector<RefusalCount> find_refusals(Connection& connection, ProjectId project, UnixMillis from, UnixMillis to) {
  Statement rows = connection.prepare(
      "SELECT hour, reason, count FROM refusal_hour WHERE project_id = ? AND hour >= ? AND hour < ? "
      "ORDER BY hour, reason");
  rows.bind(project, from, to);
  std::vector<RefusalCount> counts;
  while (rows.step()) counts.push_back({project, rows.integer(0), std::string(rows.text(1)), rows.integer(2)});
  return counts;
}

}  // namespace trapline::collector::sql
