#include "collector/storage/sql/client_runs.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "collector/storage/sql/digest_tables.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sql {
namespace {

/// How many leave when one comes: more than that, so that none stays for long, and few enough not to hold others up.
constexpr std::int64_t kRunsAtOnce = 100;

/// What the ledger has of a run beside what is stored: dropped, or unknown. A run whose recorder was lost may have
/// captured less than it has dropped, as far as it knows.
std::int64_t counted_of(std::int64_t captured, std::int64_t reached, std::int64_t dropped) {
  return std::max(captured - reached, dropped);
}

struct SilentRun {
  std::string run;
  std::string release;
  UnixMillis told_at = 0;
  std::int64_t captured = 0;
  std::int64_t reached = 0;
  std::int64_t dropped = 0;
};

void fold(Connection& connection, ProjectId project, const SilentRun& silent) {
  const std::int64_t gap = silent.captured - silent.reached - silent.dropped;
  const LedgerEntry unknown{start_of(silent.told_at, kHourMs), silent.release, "unknown", "not_accounted", gap};
  if (gap > 0) add_to_ledger(connection, project, unknown);
  const std::string id = event_id_bytes(silent.run);
  Statement row =
      connection.prepare("INSERT INTO folded_run (project_id, run, told_at, counted) VALUES (?1, ?4, ?2, ?3)");
  row.bind(project, silent.told_at, counted_of(silent.captured, silent.reached, silent.dropped));
  row.bind_blob(id);
  row.run();
  for (const char* table : {"client_run_drop", "client_run"}) {
    connection.prepare("DELETE FROM " + std::string(table) + " WHERE project_id = ? AND run = ?")
        .bind(project, std::string_view(silent.run))
        .run();
  }
}

/// Folds runs that are silent for long, and forgets those that were folded long ago.
void fold_silent(Connection& connection, ProjectId project, UnixMillis now) {
  std::vector<SilentRun> silent;
  Statement rows = connection.prepare(R"(
    SELECT run, "release", told_at, captured, reached, dropped FROM client_run WHERE project_id = ? AND told_at < ?
    ORDER BY told_at LIMIT ?)");
  rows.bind(project, now - kRunKnownFor, kRunsAtOnce);
  while (rows.step()) {
    silent.push_back({std::string(rows.text(0)), std::string(rows.text(1)), rows.integer(2), rows.integer(3),
                      rows.integer(4), rows.integer(5)});
  }
  for (const SilentRun& run : silent) fold(connection, project, run);
  connection
      .prepare(R"(
        DELETE FROM folded_run WHERE project_id = ?1 AND run IN
          (SELECT run FROM folded_run WHERE project_id = ?1 AND told_at < ?2 ORDER BY told_at LIMIT ?3))")
      .bind(project, now - kRunKnownFor - kFoldedRunKnownFor, kRunsAtOnce)
      .run();
}

/// When the run was folded, counts what is new in its counters; false when it was not.
bool add_late_counters(Connection& connection, ProjectId project, UnixMillis received_at, const RunCounters& counters) {
  const std::string id = event_id_bytes(counters.run);
  Statement known = connection.prepare("SELECT counted FROM folded_run WHERE project_id = ? AND run = ?");
  known.bind(project);
  known.bind_blob(id);
  if (!known.step()) return false;
  std::int64_t dropped = 0;
  for (const RunCounters::Drop& drop : counters.drops) dropped += drop.count;
  const std::int64_t counted = counted_of(counters.captured, counters.reached, dropped);
  const std::int64_t more = std::max<std::int64_t>(0, counted - known.integer(0));
  if (more > 0) {
    add_to_ledger(connection, project,
                  {start_of(received_at, kHourMs), counters.release, "unknown", "told_late", more});
  }
  Statement row = connection.prepare(
      "UPDATE folded_run SET counted = counted + ?2, told_at = max(told_at, ?3) WHERE project_id = ?1 AND run = ?4");
  row.bind(project, more, received_at);
  row.bind_blob(id);
  row.run();
  return true;
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
          "ON CONFLICT (project_id, run, reason) DO UPDATE SET count = excluded.count")
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
  if (is_new && add_late_counters(connection, project, received_at, counters)) return;
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
        ON CONFLICT (project_id, run) DO UPDATE SET told_at = max(client_run.told_at, excluded.told_at),
          captured = max(client_run.captured, excluded.captured), reached = max(client_run.reached, excluded.reached),
          dropped = client_run.dropped + excluded.dropped
        WHERE excluded.captured > client_run.captured OR excluded.reached > client_run.reached OR excluded.dropped > 0)")
      .bind(project, run, std::string_view(counters.release), received_at, counters.captured, counters.reached,
            newly_dropped)
      .run();
  if (is_new) fold_silent(connection, project, received_at);
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

}  // namespace trapline::collector::sql
