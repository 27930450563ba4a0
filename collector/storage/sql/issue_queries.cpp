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

// Of the releases (or environments) that the issue was seen in.
constexpr std::string_view kFirstRelease = R"(
  SELECT version FROM issue_hash JOIN hash_presence ON hash_id = issue_hash.id JOIN "release" ON "release".id = release_id
  WHERE issue_id = ? AND version <> '' ORDER BY hash_presence.first_seen, release_id LIMIT 1)";
constexpr std::string_view kLastRelease = R"(
  SELECT version FROM issue_hash JOIN hash_presence ON hash_id = issue_hash.id JOIN "release" ON "release".id = release_id
  WHERE issue_id = ? AND version <> '' ORDER BY hash_presence.last_seen DESC, release_id DESC LIMIT 1)";
constexpr std::string_view kEnvironments = R"(
  SELECT DISTINCT name FROM issue_hash JOIN hash_presence ON hash_id = issue_hash.id
  JOIN environment ON environment.id = environment_id
  WHERE issue_id = ? AND name <> '' ORDER BY name)";

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

/// Fills `daily_counts` of all issues with one query.
void add_daily_counts(Connection& connection, std::vector<Issue>& issues, UnixMillis now) {
  if (issues.empty()) return;
  const UnixMillis today = start_of(now, kDayMs);
  const UnixMillis first_day = today - static_cast<UnixMillis>(kSparklineDays - 1) * kDayMs;
  std::string sql =
      "SELECT issue_id, hour, sum(hash_hour.count) FROM issue_hash JOIN hash_hour ON hash_id = issue_hash.id "
      "WHERE hour >= ? AND hour < ? AND issue_id IN (?";
  for (std::size_t index = 1; index < issues.size(); ++index) sql += ",?";
  sql += ") GROUP BY issue_id, hour";
  Statement statement = connection.prepare(sql);
  statement.bind(first_day, today + kDayMs);
  std::unordered_map<IssueId, Issue*> by_id;
  for (Issue& issue : issues) {
    statement.bind(issue.id);
    by_id.emplace(issue.id, &issue);
  }
  while (statement.step()) {
    const auto day = static_cast<std::size_t>((statement.integer(1) - first_day) / kDayMs);
    by_id.at(statement.integer(0))->daily_counts.at(day) += statement.integer(2);
  }
}

std::string find_text(Connection& connection, std::string_view sql, IssueId id) {
  Statement statement = connection.prepare(sql);
  statement.bind(id);
  return statement.step() ? std::string(statement.text(0)) : std::string();
}

void add_releases(Connection& connection, Issue& issue) {
  issue.first_release = find_text(connection, kFirstRelease, issue.id);
  issue.last_release = find_text(connection, kLastRelease, issue.id);
}

void add_environments(Connection& connection, Issue& issue) {
  Statement statement = connection.prepare(kEnvironments);
  statement.bind(issue.id);
  while (statement.step()) issue.environments.emplace_back(statement.text(0));
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
  add_daily_counts(connection, page.items, now);
  for (Issue& issue : page.items) {
    add_releases(connection, issue);
    if (query.with_environments) add_environments(connection, issue);
  }
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
  add_daily_counts(connection, found, now);
  add_releases(connection, found.front());
  add_environments(connection, found.front());
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
