#include "collector/storage/sqlite/client_runs.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "collector/storage/sqlite/digest_tables.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sqlite {
namespace {

/// How many leave at once: then there is room for a while.
constexpr std::int64_t kRunsFoldedAtOnce = 100;

void fold_oldest(Connection& connection, ProjectId project) {
  Statement count = connection.prepare("SELECT count(*) FROM client_run WHERE project_id = ?");
  count.bind(project);
  if (!count.step() || count.integer(0) <= kMostRuns) return;
  struct Oldest {
    std::string run;
    std::string release;
    UnixMillis told_at;
    std::int64_t gap;
  };
  std::vector<Oldest> oldest;
  Statement rows = connection.prepare(R"(
    SELECT run, "release", told_at, captured - reached - dropped FROM client_run WHERE project_id = ?
    ORDER BY told_at LIMIT ?)");
  rows.bind(project, kRunsFoldedAtOnce);
  while (rows.step()) {
    oldest.push_back({std::string(rows.text(0)), std::string(rows.text(1)), rows.integer(2), rows.integer(3)});
  }
  for (const Oldest& one : oldest) {
    const LedgerEntry unknown{start_of(one.told_at, kHourMs), one.release, "unknown", "not_accounted", one.gap};
    if (one.gap > 0) add_to_ledger(connection, project, unknown);
    for (const char* table : {"client_run_drop", "client_run"}) {
      connection.prepare("DELETE FROM " + std::string(table) + " WHERE project_id = ? AND run = ?")
          .bind(project, std::string_view(one.run))
          .run();
    }
  }
}

/// Raises the count of a reason; answers by how much.
std::int64_t raise_drop(Connection& connection, ProjectId project, std::string_view run,
                        const RunCounters::Drop& drop) {
  Statement row =
      connection.prepare("SELECT count FROM client_run_drop WHERE project_id = ? AND run = ? AND reason = ?");
  row.bind(project, run, std::string_view(drop.reason));
  const std::int64_t before = row.step() ? row.integer(0) : 0;
  if (drop.count <= before) return 0;
  connection
      .prepare(
          "INSERT INTO client_run_drop (project_id, run, reason, count) VALUES (?, ?, ?, ?) "
          "ON CONFLICT DO UPDATE SET count = excluded.count")
      .bind(project, run, std::string_view(drop.reason), drop.count)
      .run();
  return drop.count - before;
}

}  // namespace

void add_run_counters(Connection& connection, ProjectId project, UnixMillis received_at, const RunCounters& counters) {
  const std::string_view run = counters.run;
  Statement known = connection.prepare("SELECT 1 FROM client_run WHERE project_id = ? AND run = ?");
  known.bind(project, run);
  const bool is_new = !known.step();
  std::int64_t newly_dropped = 0;
  for (const RunCounters::Drop& drop : counters.drops) {
    const std::int64_t count = raise_drop(connection, project, run, drop);
    // Those are part of another event, which says how many it stands for.
    const std::string_view outcome = drop.reason == "deduplicated" ? "counted_only" : "not_sent";
    add_to_ledger(connection, project,
                  {start_of(received_at, kHourMs), counters.release, std::string(outcome), drop.reason, count});
    newly_dropped += count;
  }
  connection
      .prepare(R"(
        INSERT INTO client_run (project_id, run, "release", told_at, captured, reached, dropped)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT DO UPDATE SET told_at = max(told_at, excluded.told_at), captured = max(captured, excluded.captured),
          reached = max(reached, excluded.reached), dropped = dropped + excluded.dropped
        WHERE excluded.captured > captured OR excluded.reached > reached OR excluded.dropped > 0)")
      .bind(project, run, std::string_view(counters.release), received_at, counters.captured, counters.reached,
            newly_dropped)
      .run();
  if (is_new) fold_oldest(connection, project);
}

std::vector<StoredItem> find_run_counters(Connection& connection, ProjectId project, std::size_t limit) {
  Statement rows = connection.prepare(R"(
    SELECT told_at, run, "release", captured, reached FROM client_run WHERE project_id = ?
    ORDER BY told_at DESC, run LIMIT ?)");
  rows.bind(project, limit);
  std::vector<StoredItem> items;
  while (rows.step()) {
    RunCounters counters;
    counters.run = rows.text(1);
    counters.release = rows.text(2);
    counters.captured = rows.integer(3);
    counters.reached = rows.integer(4);
    items.push_back({counters.run, project, rows.integer(0), std::move(counters)});
  }
  return items;
}

}  // namespace trapline::collector::sqlite
