#include "collector/storage/sql/issue_queries.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "collector/storage/sql/cursor.h"
#include "collector/storage/sql/deleted_projects.h"
#include "collector/storage/sql/issue_tally.h"
#include "collector/storage/sql/search_clause.h"
#include "collector/storage/sql/where_clause.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sql {
namespace {

constexpr std::string_view kSelectIssue =
    "SELECT id, project_id, title, type, value, culprit, platform, level, count, stored_count, user_count, first_seen, "
    "last_seen, assignee, status, status_at, resolved_release, resolved_is_next, ignored_until, ignored_until_count, "
    "ignored_until_users FROM issue";

/// Of issues: the release that each was seen in first, and the one it was seen in last.
constexpr std::string_view kEndReleases = R"(
  SELECT issue_id, version, first_place FROM (
    SELECT issue_id, release_id, version,
      row_number() OVER (PARTITION BY issue_id ORDER BY seen_first, release_id) AS first_place,
      row_number() OVER (PARTITION BY issue_id ORDER BY seen_last DESC, release_id DESC) AS last_place
    FROM (
      SELECT issue_id, release_id, version, min(hash_presence.first_seen) AS seen_first,
        max(hash_presence.last_seen) AS seen_last
      FROM issue_hash JOIN hash_presence ON hash_id = issue_hash.id JOIN "release" ON "release".id = release_id
      WHERE version <> '' AND issue_id IN (%)
      GROUP BY issue_id, release_id, version) AS seen) AS placed
  WHERE first_place = 1 OR last_place = 1 ORDER BY issue_id, last_place)";
constexpr std::string_view kEnvironments = R"(
  SELECT DISTINCT issue_id, name FROM issue_hash JOIN hash_presence ON hash_id = issue_hash.id
  JOIN environment ON environment.id = environment_id
  WHERE name <> '' AND issue_id IN (%) ORDER BY issue_id, name)";
constexpr std::string_view kDailyCounts = R"(
  SELECT issue_id, hour, sum(hash_hour.count) FROM issue_hash JOIN hash_hour ON hash_id = issue_hash.id
  WHERE issue_id IN (%) AND hour >= ? AND hour < ? GROUP BY issue_id, hour)";

std::string_view sort_column(IssueSort sort) {
  switch (sort) {
    case IssueSort::kFirstSeen:
      return "first_seen";
    case IssueSort::kCount:
      return "count";
    case IssueSort::kUserCount:
      return "user_count";
    case IssueSort::kId:
      return "id";
    case IssueSort::kLastSeen:
      break;
  }
  return "last_seen";
}

std::int64_t sort_value(const Issue& issue, IssueSort sort) {
  switch (sort) {
    case IssueSort::kFirstSeen:
      return issue.first_seen;
    case IssueSort::kCount:
      return issue.count;
    case IssueSort::kUserCount:
      return issue.user_count;
    case IssueSort::kId:
      return issue.id;
    case IssueSort::kLastSeen:
      break;
  }
  return issue.last_seen;
}

Issue read_issue(const Statement& row) {
  Issue issue;
  issue.id = row.integer(0);
  issue.project_id = row.integer(1);
  issue.title = row.text(2);
  issue.type = row.text(3);
  issue.value = row.text(4);
  issue.culprit = row.text(5);
  issue.platform = row.text(6);
  issue.level = static_cast<Level>(row.integer(7));
  issue.count = row.integer(8);
  issue.stored_count = row.integer(9);
  issue.user_count = row.integer(10);
  issue.first_seen = row.integer(11);
  issue.last_seen = row.integer(12);
  issue.assignee = row.text(13);
  issue.state = read_state(row, 14);
  issue.status = issue.state.status;
  return issue;
}

Search equals(SearchField field, const std::string& text) {
  Search search;
  search.kind = SearchNode::Kind::kTerm;
  search.term = {field, SearchOperator::kEqual, text, 0};
  return search;
}

WhereClause where_clause(Connection& connection, const IssueQuery& query) {
  WhereClause where;
  where.add(kOfLiveProject);
  if (query.project_id) where.add("project_id = ?", *query.project_id);
  if (query.status) where.add("status = ?", static_cast<std::int64_t>(*query.status));
  if (query.level) where.add("level = ?", static_cast<std::int64_t>(*query.level));
  if (!query.environment.empty()) {
    add_search(connection, where, equals(SearchField::kEnvironment, query.environment), query.project_id);
  }
  if (!query.release.empty()) {
    add_search(connection, where, equals(SearchField::kRelease, query.release), query.project_id);
  }
  if (query.from) where.add("last_seen >= ?", *query.from);
  if (query.to) where.add("first_seen < ?", *query.to);
  add_search(connection, where, query.search, query.project_id);
  return where;
}

/// A question about a page of issues at once: to a server each one costs more than its rows. "%" is their list.
class OfIssues {
 public:
  OfIssues(Connection& connection, std::string_view sql, std::vector<Issue>& issues)
      : statement_(connection.prepare(with_list(sql, issues.size()))) {
    for (Issue& issue : issues) {
      statement_.bind(issue.id);
      by_id_.emplace(issue.id, &issue);
    }
  }
  Statement& statement() { return statement_; }
  /// Whose the row is.
  Issue& issue() { return *by_id_.at(statement_.integer(0)); }

 private:
  static std::string with_list(std::string_view sql, std::size_t count) {
    std::string list = "?";
    for (std::size_t index = 1; index < count; ++index) list += ",?";
    const std::size_t place = sql.find('%');
    return std::string(sql.substr(0, place)) + list + std::string(sql.substr(place + 1));
  }

  Statement statement_;
  std::unordered_map<IssueId, Issue*> by_id_;
};

void add_daily_counts(Connection& connection, std::vector<Issue>& issues, UnixMillis now) {
  const UnixMillis today = start_of(now, kDayMs);
  const UnixMillis first_day = today - static_cast<UnixMillis>(kSparklineDays - 1) * kDayMs;
  OfIssues counts(connection, kDailyCounts, issues);
  Statement& rows = counts.statement();
  rows.bind(first_day, today + kDayMs);
  while (rows.step()) {
    const auto day = static_cast<std::size_t>((rows.integer(1) - first_day) / kDayMs);
    counts.issue().daily_counts.at(day) += rows.integer(2);
  }
}

void add_releases(Connection& connection, std::vector<Issue>& issues) {
  OfIssues releases(connection, kEndReleases, issues);
  Statement& rows = releases.statement();
  while (rows.step()) {
    Issue& issue = releases.issue();
    if (issue.last_release.empty()) issue.last_release = rows.text(1);  // the first row of each is
    if (rows.integer(2) == 1) issue.first_release = rows.text(1);
  }
}

void add_environments(Connection& connection, std::vector<Issue>& issues) {
  OfIssues environments(connection, kEnvironments, issues);
  Statement& rows = environments.statement();
  while (rows.step()) environments.issue().environments.emplace_back(rows.text(1));
}

/// What stands in other tables than `issue`.
void complete(Connection& connection, std::vector<Issue>& issues, UnixMillis now, bool with_environments) {
  if (issues.empty()) return;
  add_daily_counts(connection, issues, now);
  add_releases(connection, issues);
  if (with_environments) add_environments(connection, issues);
}

}  // namespace

Page<Issue> find_issues(Connection& connection, const IssueQuery& query, UnixMillis now) {
  const std::string column(sort_column(query.sort));
  WhereClause where = where_clause(connection, query);
  if (const auto cursor = Cursor::parse(query.cursor)) {
    where.add("(" + column + ", id) < (?, ?)", cursor->value);
    where.add_value(cursor->id);
  }
  Page<Issue> page;
  {
    Statement statement =
        connection.prepare(std::string(kSelectIssue) + where.sql() + " ORDER BY " + column + " DESC, id DESC LIMIT ?");
    where.bind_to(statement);
    statement.bind(query.limit + 1);  // one more than asked for tells whether there is a next page
    while (statement.step()) page.items.push_back(read_issue(statement));
  }
  if (page.items.size() > query.limit) {
    page.items.pop_back();
    const Issue& last = page.items.back();
    page.next_cursor = Cursor{sort_value(last, query.sort), last.id}.to_text();
  }
  complete(connection, page.items, now, query.with_environments);
  return page;
}

std::optional<Issue> find_issue(Connection& connection, IssueId id, UnixMillis now) {
  std::vector<Issue> found;
  {
    Statement statement =
        connection.prepare(std::string(kSelectIssue) + " WHERE id = ? AND " + std::string(kOfLiveProject));
    statement.bind(id);
    if (!statement.step()) return std::nullopt;
    found.push_back(read_issue(statement));
  }
  complete(connection, found, now, true);
  return std::move(found.front());
}

std::vector<HourCount> count_by_hour(Connection& connection, IssueId id, UnixMillis from, UnixMillis to) {
  Statement statement = connection.prepare(
      "SELECT hour, sum(hash_hour.count) FROM issue_hash JOIN hash_hour ON hash_id = issue_hash.id "
      "WHERE issue_id = ? AND hour >= ? AND hour < ? GROUP BY hour ORDER BY hour");
  statement.bind(id, from, to);
  std::vector<HourCount> hours;
  while (statement.step()) hours.push_back({statement.integer(0), statement.integer(1)});
  return hours;
}

std::int64_t count_issues(Connection& connection) {
  Statement statement = connection.prepare("SELECT count(*) FROM issue");
  statement.step();
  return statement.integer(0);
}

}  // namespace trapline::collector::sql
