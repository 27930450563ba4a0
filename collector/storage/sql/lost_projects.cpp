#include "collector/storage/sql/lost_projects.h"

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "collector/storage/sql/deleted_projects.h"

namespace trapline::collector::sql {
namespace {

constexpr std::int64_t kProjectRowsInStep = 1'000;

/// All tables whose rows have a project. All but `issue` have an index that begins with it.
constexpr std::string_view kTables[] = {
    "attachment",
    "check_in",
    "client_loss",
    "client_run",
    "client_run_drop",
    "digest_settings",
    "environment",
    "event",
    "event_counted",
    "event_user",
    "folded_run",
    "issue",
    "issue_hash",
    "ledger",
    "project_key",
    "refusal_hour",
    "quarantined_event",
    "\"release\"",
    "release_hour",
    "release_user",
    "session",
    "session_count",
    "tag",
    "tag_key",
    "transaction_summary",
    "user_report",
};

bool is_project(Connection& connection, ProjectId project) {
  Statement statement = connection.prepare("SELECT 1 FROM project WHERE id = ?");
  statement.bind(project);
  return statement.step();
}

bool has_rows(Connection& connection, std::string_view table, ProjectId project) {
  Statement statement = connection.prepare("SELECT 1 FROM " + std::string(table) + " WHERE project_id = ? LIMIT 1");
  statement.bind(project);
  return statement.step();
}

Slice find(Connection& connection) {
  std::map<std::int64_t, std::string> tables_by_project;
  for (const std::string_view table : kTables) {
    const auto look = ask_for_owners({table, "project_id", "project"});
    std::optional<std::int64_t> after = std::numeric_limits<std::int64_t>::min();
    while (after) {
      const Slice slice = look(connection, *after);
      for (const Fault& fault : slice.faults) {
        std::string& tables = tables_by_project[fault.key];
        tables += (tables.empty() ? "" : ", ") + std::string(table);
      }
      after = slice.next;
    }
  }
  Slice slice;
  for (const auto& [project, tables] : tables_by_project) {
    slice.faults.push_back({project, "project " + std::to_string(project) + ", named in " + tables});
  }
  return slice;
}

void make_again(Connection& connection, ProjectId project, UnixMillis now) {
  const std::string name = "recovered-" + std::to_string(project);
  connection.prepare("INSERT INTO project (id, name, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
      .bind(project, std::string_view(name), now)
      .run();
}

bool mend(Connection& connection, ProjectId project, UnixMillis now) {
  {
    Transaction transaction(connection);
    if (is_project(connection, project)) return true;
    make_again(connection, project, now);
    if (!is_project(connection, project)) return false;  // the name is taken
    bool is_kept = false;
    for (const std::string_view table : {"event", "issue", "issue_hash"}) {
      is_kept = is_kept || has_rows(connection, table, project);
    }
    transaction.commit();
    if (is_kept) return true;
  }
  delete_project(connection, project, now);
  while (is_project(connection, project) && sweep_deleted_projects(connection, kProjectRowsInStep)) {
  }
  return true;
}

}  // namespace

Check lost_projects(UnixMillis now) {
  return {"rows of projects that are not there", [](Connection& connection, std::int64_t) { return find(connection); },
          [now](Connection& connection, std::int64_t project) { return mend(connection, project, now); }};
}

}  // namespace trapline::collector::sql
