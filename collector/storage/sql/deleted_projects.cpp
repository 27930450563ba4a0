#include "collector/storage/sql/deleted_projects.h"

#include <optional>
#include <string>
#include <string_view>

namespace trapline::collector::sql {
namespace {

/// Files count for more than other rows: they may have megabytes.
constexpr std::int64_t kRowsForFile = 100;

/// What is deleted by ?1, at most ?2 rows.
constexpr std::string_view kByProject[] = {
    R"(DELETE FROM event WHERE id IN (SELECT id FROM event WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM event_counted WHERE project_id = ?1 AND event_id IN
       (SELECT event_id FROM event_counted WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM quarantined_event WHERE id IN (SELECT id FROM quarantined_event WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM session WHERE project_id = ?1 AND sid IN
       (SELECT sid FROM session WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM session_count WHERE item_id IN (SELECT item_id FROM session_count WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM user_report WHERE item_id IN (SELECT item_id FROM user_report WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM client_loss WHERE item_id IN (SELECT item_id FROM client_loss WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM check_in WHERE project_id = ?1 AND check_in_id IN
       (SELECT check_in_id FROM check_in WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM transaction_summary WHERE item_id IN
       (SELECT item_id FROM transaction_summary WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM release_hour WHERE project_id = ?1 AND (hour, "release", environment) IN
       (SELECT hour, "release", environment FROM release_hour WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM release_user WHERE project_id = ?1 AND (day, "release", environment, user_hash) IN
       (SELECT day, "release", environment, user_hash FROM release_user WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM refusal_hour WHERE project_id = ?1 AND (hour, reason) IN
       (SELECT hour, reason FROM refusal_hour WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM ledger WHERE project_id = ?1 AND (hour, "release", outcome, reason) IN
       (SELECT hour, "release", outcome, reason FROM ledger WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM client_run_drop WHERE project_id = ?1 AND (run, reason) IN
       (SELECT run, reason FROM client_run_drop WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM client_run WHERE project_id = ?1 AND run IN
       (SELECT run FROM client_run WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM folded_run WHERE project_id = ?1 AND run IN
       (SELECT run FROM folded_run WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM event_user WHERE project_id = ?1 AND (kind, value, "user") IN
       (SELECT kind, value, "user" FROM event_user WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM tag_key WHERE project_id = ?1 AND key IN
       (SELECT key FROM tag_key WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM "release" WHERE id IN (SELECT id FROM "release" WHERE project_id = ?1 LIMIT ?2))",
    R"(DELETE FROM environment WHERE id IN (SELECT id FROM environment WHERE project_id = ?1 LIMIT ?2))",
};
// Behind the hashes, whose rows name them.
constexpr std::string_view kTagsOfProject =
    "DELETE FROM tag WHERE id IN (SELECT id FROM tag WHERE project_id = ?1 LIMIT ?2)";
constexpr std::string_view kFiles =
    "DELETE FROM attachment WHERE id IN (SELECT id FROM attachment WHERE project_id = ?1 LIMIT ?2)";

// Fine hashes before the coarse ones, which they name.
constexpr std::string_view kNextHash =
    "SELECT id, issue_id FROM issue_hash WHERE project_id = ?1 ORDER BY kind, hash LIMIT 1";
/// What is deleted by a hash.
constexpr std::string_view kByHash[] = {
    R"(DELETE FROM hash_user WHERE hash_id = ?1 AND "user" IN
       (SELECT "user" FROM hash_user WHERE hash_id = ?1 LIMIT ?2))",
    R"(DELETE FROM hash_hour WHERE hash_id = ?1 AND hour IN
       (SELECT hour FROM hash_hour WHERE hash_id = ?1 LIMIT ?2))",
    R"(DELETE FROM hash_tag WHERE hash_id = ?1 AND tag_id IN
       (SELECT tag_id FROM hash_tag WHERE hash_id = ?1 LIMIT ?2))",
    R"(DELETE FROM hash_presence WHERE hash_id = ?1 AND (release_id, environment_id) IN
       (SELECT release_id, environment_id FROM hash_presence WHERE hash_id = ?1 LIMIT ?2))",
};
constexpr std::string_view kHistory =
    "DELETE FROM issue_history WHERE id IN (SELECT id FROM issue_history WHERE issue_id = ?1 LIMIT ?2)";

/// Deletes rows until it has deleted as many as it may.
class Sweep {
 public:
  Sweep(Connection& connection, std::int64_t most_rows) : connection_(connection), left_(most_rows) {}

  [[nodiscard]] bool may_go_on() const { return left_ > 0; }

  /// As many as may be of the rows that the statement finds; each counts for `weight`.
  void run(std::string_view sql, std::int64_t id, std::int64_t weight = 1) {
    if (!may_go_on()) return;
    connection_.prepare(sql).bind(id, (left_ + weight - 1) / weight).run();
    left_ -= connection_.changes() * weight;
  }

  /// One hash, and its issue when that has no other, or a part of what they have. False when the project has none left.
  bool take_hash(ProjectId project) {
    std::int64_t hash = 0;
    IssueId issue = 0;
    {
      Statement next = connection_.prepare(kNextHash);
      next.bind(project);
      if (!next.step()) return false;
      hash = next.integer(0);
      issue = next.integer(1);
    }
    for (const std::string_view sql : kByHash) run(sql, hash);
    run(kHistory, issue);
    if (!may_go_on()) return true;
    // In one go: an issue without a hash would not be found again.
    connection_.prepare("DELETE FROM issue_hash WHERE id = ?").bind(hash).run();
    connection_.prepare("DELETE FROM issue WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM issue_hash WHERE issue_id = ?1)")
        .bind(issue)
        .run();
    --left_;
    return true;
  }

 private:
  Connection& connection_;
  std::int64_t left_;
};

std::optional<ProjectId> next_deleted(Connection& connection) {
  Statement statement = connection.prepare("SELECT id FROM project WHERE deleted_at IS NOT NULL LIMIT 1");
  if (!statement.step()) return std::nullopt;
  return statement.integer(0);
}

}  // namespace

bool delete_project(Connection& connection, ProjectId project, UnixMillis now) {
  Transaction transaction(connection);
  // No project's name has control characters (ingest/project_settings.h).
  const std::string no_name = '\1' + std::to_string(project);
  connection.prepare("UPDATE project SET deleted_at = ?2, name = ?3 WHERE id = ?1 AND deleted_at IS NULL")
      .bind(project, now, std::string_view(no_name))
      .run();
  if (connection.changes() == 0) return false;
  for (const std::string_view sql :
       {"DELETE FROM project_key WHERE project_id = ?", "DELETE FROM digest_settings WHERE project_id = ?"}) {
    connection.prepare(sql).bind(project).run();
  }
  transaction.commit();
  return true;
}

bool has_deleted_projects(Connection& connection) { return next_deleted(connection).has_value(); }

bool sweep_deleted_projects(Connection& connection, std::int64_t most_rows) {
  Transaction transaction(connection);
  const auto project = next_deleted(connection);
  if (!project) return false;
  Sweep sweep(connection, most_rows);
  for (const std::string_view sql : kByProject) sweep.run(sql, *project);
  sweep.run(kFiles, *project, kRowsForFile);
  bool has_hashes = true;
  while (sweep.may_go_on() && has_hashes) has_hashes = sweep.take_hash(*project);
  sweep.run(kTagsOfProject, *project);
  if (sweep.may_go_on()) connection.prepare("DELETE FROM project WHERE id = ?").bind(*project).run();
  transaction.commit();
  return true;
}

}  // namespace trapline::collector::sql
