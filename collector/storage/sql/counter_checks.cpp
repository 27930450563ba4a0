#include "collector/storage/sql/counter_checks.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collector/storage/sql/deleted_projects.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/issue_overview.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sql {
namespace {

/// A fine hash of the slice whose project is there: of a deleted one some rows have gone, and others not yet.
std::string of_slice() {
  return " FROM issue_hash WHERE id > ?1 AND id <= ?2 AND kind = 0 AND " + std::string(kOfLiveProject);
}

/// How many of the hash's events are kept: not those of a day that is about to go, as far as that is written down.
std::string kept_sql(const std::string& hash) {
  const std::string day_rows = std::to_string(first_row_id(kDayMs));
  return "((SELECT count(*) FROM event WHERE hash_id = " + hash +
         ") - (SELECT count(*) FROM event_day JOIN event ON event.hash_id = " + hash + " AND event.id >= day * " +
         day_rows + " AND event.id < (day + 1) * " + day_rows + " WHERE is_leaving <> 0 AND lowered_hash >= " + hash +
         "))";
}

std::string stored_counts_sql() {
  return "SELECT id, stored_count, kept, seen FROM (SELECT id, stored_count, count AS seen, " +
         kept_sql("issue_hash.id") + " AS kept" + of_slice() + ") AS counted WHERE stored_count <> kept OR seen < kept";
}

std::string hour_sums_sql() {
  return "SELECT id, seen, by_hour FROM (SELECT id, count AS seen, "
         "(SELECT coalesce(sum(count), 0) FROM hash_hour WHERE hash_id = issue_hash.id) AS by_hour" +
         of_slice() + ") AS counted WHERE seen <> by_hour";
}

std::string seen_sql() {
  return "SELECT id, first_seen, last_seen, first_hour, last_hour FROM (SELECT id, first_seen, last_seen, "
         "(SELECT min(hour) FROM hash_hour WHERE hash_id = issue_hash.id) AS first_hour, "
         "(SELECT max(hour) FROM hash_hour WHERE hash_id = issue_hash.id) AS last_hour" +
         of_slice() +
         ") AS counted WHERE first_seen < first_hour OR first_seen >= first_hour + 3600000 "
         "OR last_seen < last_hour OR last_seen >= last_hour + 3600000";
}

std::string issue_counts_sql() {
  return "SELECT issue.id, issue.count, coalesce(sums.seen, 0), issue.stored_count, coalesce(sums.kept, 0) "
         "FROM issue LEFT JOIN (SELECT issue_id, sum(count) AS seen, sum(stored_count) AS kept, "
         "min(first_seen) AS first_seen, max(last_seen) AS last_seen FROM issue_hash "
         "WHERE kind = 0 AND count > 0 AND issue_id > ?1 AND issue_id <= ?2 GROUP BY issue_id) AS sums "
         "ON sums.issue_id = issue.id "
         "WHERE issue.id > ?1 AND issue.id <= ?2 AND " +
         std::string(kOfLiveProject) +
         " AND (issue.count <> coalesce(sums.seen, 0) OR issue.stored_count <> coalesce(sums.kept, 0) "
         "OR issue.first_seen <> coalesce(sums.first_seen, 0) OR issue.last_seen <> coalesce(sums.last_seen, 0)) "
         "AND EXISTS (SELECT 1 FROM issue_hash WHERE issue_id = issue.id AND kind = 0)";
}

std::string user_counts_sql() {
  return "SELECT id, told, users FROM (SELECT id, user_count AS told, "
         "(SELECT count(DISTINCT \"user\") FROM hash_user "
         " WHERE hash_id IN (SELECT id FROM issue_hash WHERE issue_id = issue.id)) AS users "
         "FROM issue WHERE id > ?1 AND id <= ?2 AND " +
         std::string(kOfLiveProject) + ") AS counted WHERE told <> users";
}

std::int64_t number_of(Connection& connection, std::string_view sql, std::int64_t id) {
  Statement statement = connection.prepare(sql);
  statement.bind(id);
  return statement.step() ? statement.integer(0) : 0;
}

/// When its first event came and when its last, of a hash that has never been told.
void tell_times_by_receipt(Connection& connection, std::int64_t hash) {
  const std::int64_t first = number_of(connection, "SELECT min(id) FROM event WHERE hash_id = ?1", hash);
  const std::int64_t last = number_of(connection, "SELECT max(id) FROM event WHERE hash_id = ?1", hash);
  connection.prepare("UPDATE issue_hash SET first_seen = ?2, last_seen = ?3 WHERE id = ?1 AND last_seen = 0")
      .bind(hash, received_at_of(first), received_at_of(last))
      .run();
}

/// What the hours lack happened in the hour in which the hash was seen last, as far as anybody knows.
void fill_hours(Connection& connection, std::int64_t hash) {
  const std::int64_t seen = number_of(connection, "SELECT count FROM issue_hash WHERE id = ?1", hash);
  const std::int64_t by_hour =
      number_of(connection, "SELECT coalesce(sum(count), 0) FROM hash_hour WHERE hash_id = ?1", hash);
  if (by_hour > seen) connection.prepare("UPDATE issue_hash SET count = ?2 WHERE id = ?1").bind(hash, by_hour).run();
  if (by_hour >= seen) return;
  const UnixMillis last = number_of(connection, "SELECT last_seen FROM issue_hash WHERE id = ?1", hash);
  connection
      .prepare(
          "INSERT INTO hash_hour (hash_id, hour, count) VALUES (?1, ?2, ?3) "
          "ON CONFLICT (hash_id, hour) DO UPDATE SET count = hash_hour.count + excluded.count")
      .bind(hash, start_of(last, kHourMs), seen - by_hour)
      .run();
}

/// Brings first_seen and last_seen into the first and the last hour.
void fit_times(Connection& connection, std::int64_t hash) {
  connection
      .prepare(R"(
    UPDATE issue_hash SET
      first_seen = (SELECT max(min(hour), min(issue_hash.first_seen, min(hour) + 3599999)) FROM hash_hour WHERE hash_id = ?1),
      last_seen = (SELECT max(max(hour), min(issue_hash.last_seen, max(hour) + 3599999)) FROM hash_hour WHERE hash_id = ?1)
    WHERE id = ?1 AND EXISTS (SELECT 1 FROM hash_hour WHERE hash_id = ?1))")
      .bind(hash)
      .run();
}

bool mend_hash(Connection& connection, std::int64_t hash) {
  Transaction transaction(connection);
  recount_hash(connection, hash);
  transaction.commit();
  return true;
}

bool mend_issue(Connection& connection, std::int64_t issue) {
  Transaction transaction(connection);
  recount(connection, issue);
  transaction.commit();
  return true;
}

std::string overview_of(Connection& connection, IssueId issue) {
  Statement row = connection.prepare("SELECT overview FROM issue WHERE id = ?");
  row.bind(issue);
  return row.step() ? std::string(row.text(0)) : "";
}

/// Each batch changes the overview: when that is as it was, what was read beside it is of one moment with it.
Slice find_wrong_overviews(Connection& connection, std::int64_t after) {
  constexpr std::size_t kIssuesAtOnce = 200;
  std::vector<std::pair<IssueId, std::string>> told;
  {
    Statement rows = connection.prepare("SELECT id, overview FROM issue WHERE id > ? AND " +
                                        std::string(kOfLiveProject) + " ORDER BY id LIMIT ?");
    rows.bind(after, kIssuesAtOnce);
    while (rows.step()) told.emplace_back(rows.integer(0), rows.text(1));
  }
  Slice slice;
  if (told.size() == kIssuesAtOnce) slice.next = told.back().first;
  for (const auto& [issue, text] : told) {
    const auto overview = IssueOverview::parse(text);
    if (!overview || overview->agrees_with(IssueOverview::read(connection, issue))) continue;
    if (overview_of(connection, issue) != text) continue;
    slice.faults.push_back(
        {issue, "issue " + std::to_string(issue) +
                    ": what its row says of days, releases and environments is not what its hashes do"});
  }
  return slice;
}

}  // namespace

void recount_hash(Connection& connection, std::int64_t hash) {
  connection.prepare("UPDATE issue_hash SET stored_count = " + kept_sql("?1") + " WHERE id = ?1").bind(hash).run();
  connection.prepare("UPDATE issue_hash SET count = stored_count WHERE id = ?1 AND count < stored_count")
      .bind(hash)
      .run();
  tell_times_by_receipt(connection, hash);
  fill_hours(connection, hash);
  fit_times(connection, hash);
  recount(connection, number_of(connection, "SELECT issue_id FROM issue_hash WHERE id = ?1", hash));
}

std::vector<Check> counter_checks() {
  return {
      {"counts of group hashes against their events",
       ask_by_ranges({"issue_hash", stored_counts_sql(),
                      "group hash {0}: says {1} events are kept, there are {2}; {3} were seen"}),
       mend_hash},
      {"counts of group hashes against their hours",
       ask_by_ranges({"issue_hash", hour_sums_sql(), "group hash {0}: {1} events were seen, its hours have {2}"}),
       mend_hash},
      {"times of group hashes against their hours",
       ask_by_ranges({"issue_hash", seen_sql(),
                      "group hash {0}: seen from {1} to {2}, its hours begin at {3} and the last one at {4}"}),
       mend_hash},
      {"counts and times of issues against their group hashes",
       ask_by_ranges({"issue", issue_counts_sql(), "issue {0}: count {1}, by its hashes {2}; kept {3}, by them {4}"}),
       mend_issue},
      {"users of issues", ask_by_ranges({"issue", user_counts_sql(), "issue {0}: says {1} users, there are {2}"}),
       mend_issue},
      {"overviews of issues", find_wrong_overviews, mend_issue},
  };
}

}  // namespace trapline::collector::sql
