#include "collector/storage/sql/issue_queries.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collector/storage/sql/cursor.h"
#include "collector/storage/sql/deleted_projects.h"
#include "collector/storage/sql/issue_overview.h"
#include "collector/storage/sql/issue_tally.h"
#include "collector/storage/sql/search_clause.h"
#include "collector/storage/sql/where_clause.h"

namespace trapline::collector::sql {
namespace {

constexpr std::string_view kSelectIssue =
    "SELECT id, project_id, title, type, value, culprit, platform, level, count, stored_count, user_count, first_seen, "
    "last_seen, assignee, status, status_at, resolved_release, resolved_is_next, ignored_until, ignored_until_count, "
    "ignored_until_users, overview FROM issue";

constexpr int kOverviewColumn = 21;

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

/// Issues, as they were read, and what their rows say in short.
class IssueReader {
 public:
  void take(const Statement& row) {
    issues_.push_back(read_issue(row));
    overviews_.push_back(IssueOverview::parse(row.text(kOverviewColumn)));
  }
  void drop_last() {
    issues_.pop_back();
    overviews_.pop_back();
  }
  [[nodiscard]] const std::vector<Issue>& issues() const { return issues_; }

  /// After the rows were read: a connection answers one question at a time.
  std::vector<Issue> complete(Connection& connection, UnixMillis now, bool with_environments) {
    for (std::size_t index = 0; index < issues_.size(); ++index) {
      Issue& issue = issues_[index];
      if (!overviews_[index]) overviews_[index] = IssueOverview::read(connection, issue.id);
      overviews_[index]->show(issue, now, with_environments);
    }
    return std::move(issues_);
  }

 private:
  std::vector<Issue> issues_;
  std::vector<std::optional<IssueOverview>> overviews_;
};

}  // namespace

Page<Issue> find_issues(Connection& connection, const IssueQuery& query, UnixMillis now) {
  const std::string column(sort_column(query.sort));
  WhereClause where = where_clause(connection, query);
  if (const auto cursor = Cursor::parse(query.cursor)) {
    where.add("(" + column + ", id) < (?, ?)", cursor->value);
    where.add_value(cursor->id);
  }
  Page<Issue> page;
  IssueReader reader;
  {
    Statement statement =
        connection.prepare(std::string(kSelectIssue) + where.sql() + " ORDER BY " + column + " DESC, id DESC LIMIT ?");
    where.bind_to(statement);
    statement.bind(query.limit + 1);  // one more than asked for tells whether there is a next page
    while (statement.step()) reader.take(statement);
  }
  if (reader.issues().size() > query.limit) {
    reader.drop_last();
    const Issue& last = reader.issues().back();
    page.next_cursor = Cursor{sort_value(last, query.sort), last.id}.to_text();
  }
  page.items = reader.complete(connection, now, query.with_environments);
  return page;
}

std::optional<Issue> find_issue(Connection& connection, IssueId id, UnixMillis now) {
  IssueReader reader;
  {
    Statement statement =
        connection.prepare(std::string(kSelectIssue) + " WHERE id = ? AND " + std::string(kOfLiveProject));
    statement.bind(id);
    if (!statement.step()) return std::nullopt;
    reader.take(statement);
  }
  return std::move(reader.complete(connection, now, true).front());
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
