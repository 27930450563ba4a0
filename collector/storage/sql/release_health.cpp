#include "collector/storage/sql/release_health.h"

#include <map>

#include "collector/storage/sql/issue_tally.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sql {
namespace {

SessionTally read_tally(const Statement& row, int column) {
  return {row.integer(column), row.integer(column + 1), row.integer(column + 2), row.integer(column + 3)};
}

}  // namespace

SessionTally tally_of(SessionStatus status, std::int64_t errors) {
  SessionTally tally{.sessions = 1};
  switch (status) {
    case SessionStatus::kOk:
    case SessionStatus::kExited:
      tally.errored = errors > 0 ? 1 : 0;
      break;
    case SessionStatus::kErrored:
    case SessionStatus::kUnhandled:
      tally.errored = 1;
      break;
    case SessionStatus::kCrashed:
      tally.crashed = 1;
      break;
    case SessionStatus::kAbnormal:
      tally.abnormal = 1;
      break;
  }
  return tally;
}

void count_sessions(Connection& connection, const SessionPlace& place, const SessionTally& tally, int sign) {
  connection
      .prepare(R"(
        INSERT INTO release_hour (project_id, hour, "release", environment, sessions, errored, crashed, abnormal)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (project_id, hour, "release", environment) DO UPDATE SET
          sessions = release_hour.sessions + excluded.sessions, errored = release_hour.errored + excluded.errored,
          crashed = release_hour.crashed + excluded.crashed, abnormal = release_hour.abnormal + excluded.abnormal)")
      .bind(place.project_id, start_of(place.started, kHourMs), place.release, place.environment, sign * tally.sessions,
            sign * tally.errored, sign * tally.crashed, sign * tally.abnormal)
      .run();
}

void count_user(Connection& connection, const SessionPlace& place, std::string_view user, bool has_crashed) {
  if (user.empty()) return;
  connection
      .prepare(R"(
        INSERT INTO release_user (project_id, day, "release", environment, user_hash, has_crashed)
        VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (project_id, day, "release", environment, user_hash) DO UPDATE SET
          has_crashed = max(release_user.has_crashed, excluded.has_crashed))")
      .bind(place.project_id, start_of(place.started, kDayMs), place.release, place.environment, user_hash(user),
            has_crashed ? 1 : 0)
      .run();
}

std::vector<ReleaseHealth> list_release_health(Connection& connection, const ReleaseHealthQuery& query) {
  std::map<std::string, std::pair<std::int64_t, std::int64_t>, std::less<>> users;
  {
    Statement rows = connection.prepare(R"(
      SELECT "release", count(DISTINCT user_hash), count(DISTINCT CASE WHEN has_crashed <> 0 THEN user_hash END)
      FROM release_user
      WHERE project_id = ?1 AND day >= ?2 AND day < ?3 AND (?4 = '' OR environment = ?4) GROUP BY "release")");
    rows.bind(query.project_id, start_of(query.from, kDayMs), query.to, std::string_view(query.environment));
    while (rows.step()) users[std::string(rows.text(0))] = {rows.integer(1), rows.integer(2)};
  }
  Statement rows = connection.prepare(R"(
    SELECT "release", sum(sessions) AS sessions, sum(errored), sum(crashed), sum(abnormal) FROM release_hour
    WHERE project_id = ?1 AND hour >= ?2 AND hour < ?3 AND (?4 = '' OR environment = ?4)
    GROUP BY "release" HAVING sum(sessions) > 0 ORDER BY sessions DESC, "release" LIMIT 1000)");
  rows.bind(query.project_id, start_of(query.from, kHourMs), query.to, std::string_view(query.environment));
  std::vector<ReleaseHealth> releases;
  while (rows.step()) {
    ReleaseHealth& health = releases.emplace_back();
    health.release = rows.text(0);
    health.tally = read_tally(rows, 1);
    if (const auto met = users.find(health.release); met != users.end()) {
      health.users = met->second.first;
      health.crashed_users = met->second.second;
    }
  }
  return releases;
}

std::vector<ReleaseHour> list_release_hours(Connection& connection, const ReleaseHealthQuery& query,
                                            std::string_view release) {
  Statement rows = connection.prepare(R"(
    SELECT hour, sum(sessions) AS sessions, sum(errored), sum(crashed), sum(abnormal) FROM release_hour
    WHERE project_id = ?1 AND hour >= ?2 AND hour < ?3 AND (?4 = '' OR environment = ?4) AND "release" = ?5
    GROUP BY hour HAVING sum(sessions) > 0 ORDER BY hour LIMIT 10000)");
  rows.bind(query.project_id, start_of(query.from, kHourMs), query.to, std::string_view(query.environment), release);
  std::vector<ReleaseHour> hours;
  while (rows.step()) hours.push_back({rows.integer(0), read_tally(rows, 1)});
  return hours;
}

}  // namespace trapline::collector::sql
