#include "collector/storage/sql/search_queries.h"

#include <cstdint>

#include "collector/storage/sql/search_writer.h"
#include "collector/storage/sql/where_clause.h"

namespace trapline::collector::sql {
namespace {

constexpr int kMostValuesShown = 10;

constexpr std::string_view kIssueTags = R"(
  SELECT key, value, seen, last, value_count FROM (
    SELECT key, value, seen, last, row_number() OVER (PARTITION BY key ORDER BY seen DESC, value) AS place,
           count(*) OVER (PARTITION BY key) AS value_count
    FROM (SELECT tag_id, sum(hash_tag.count) AS seen, max(hash_tag.last_seen) AS last
          FROM issue_hash CROSS JOIN hash_tag WHERE issue_id = ?1 AND hash_id = issue_hash.id
          GROUP BY tag_id) AS used CROSS JOIN tag
    WHERE tag.id = tag_id) AS counted
  WHERE place <= ?2 ORDER BY key, place)";

std::string begins_with(std::string_view prefix) {
  std::string pattern;
  for (const char c : prefix) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

/// How many group hashes are counted for one answer, and at least of each value.
constexpr std::int64_t kMostCounted = 8'192;
constexpr std::int64_t kLeastCounted = 8;

/// The common ones are those of most group hashes: that is counted in the index alone, and up to `most`. Of more values
/// than can be counted so, the first.
std::string tag_values_sql(std::int64_t most) {
  return "SELECT value FROM (SELECT value, (SELECT count(*) FROM (SELECT 1 FROM tagged_hash WHERE tag_id = first.id "
         "LIMIT " +
         std::to_string(most) + ") AS counted) AS hashes FROM (SELECT id, value FROM tag";
}
std::string most_common_first() {
  return " ORDER BY value LIMIT " + std::to_string(kMostCounted / kLeastCounted) +
         ") AS first) AS known WHERE hashes > 0 GROUP BY value ORDER BY sum(hashes) DESC, value";
}

constexpr std::string_view kLike = R"( LIKE ? ESCAPE '\')";

void of_project(WhereClause& where, const CompletionQuery& query) {
  if (query.project_id) {
    where.add("project_id = ?", *query.project_id);
  } else {
    where.add("project_id IN (SELECT id FROM live_project)");
  }
}

std::vector<std::string> read_texts(Connection& connection, const std::string& before, const WhereClause& where,
                                    const std::string& after, const CompletionQuery& query) {
  Statement rows = connection.prepare(before + where.sql() + after + " LIMIT ?");
  where.bind_to(rows);
  rows.bind(query.limit);
  std::vector<std::string> texts;
  while (rows.step()) texts.emplace_back(rows.text(0));
  return texts;
}

std::vector<std::string> tag_values(Connection& connection, const WhereClause& where, const CompletionQuery& query) {
  std::int64_t most = kMostCounted;
  {
    Statement count = connection.prepare("SELECT count(*) FROM tag" + where.sql());
    where.bind_to(count);
    count.step();
    // Powers of two: each is a statement of its own.
    for (; most > kLeastCounted && most * count.integer(0) > kMostCounted; most /= 2) {
    }
  }
  return read_texts(connection, tag_values_sql(most), where, most_common_first(), query);
}

/// In their own order, and not by what was seen last: of many users only those that are shown are read.
std::vector<std::string> user_values(Connection& connection, const CompletionQuery& query) {
  WhereClause where;
  of_project(where, query);
  if (query.user_field == kAnyUserField) {
    where.add("kind IN (0, 1, 2, 3)");
  } else {
    where.add("kind = ?", query.user_field);
  }
  where.add("value >= ?", query.prefix);
  where.add("value < ?", query.prefix + std::string(kHighest));
  return read_texts(connection, "SELECT DISTINCT value FROM event_user", where, " ORDER BY value", query);
}

std::vector<std::string> assignees(Connection& connection, const CompletionQuery& query) {
  const std::string like(kLike);
  Statement rows = connection.prepare("SELECT email FROM account WHERE email" + like +
                                      " UNION SELECT assignee FROM issue WHERE assignee <> '' AND assignee" + like +
                                      " ORDER BY 1 LIMIT ?");
  const std::string pattern = begins_with(query.prefix);
  rows.bind(std::string_view(pattern), std::string_view(pattern), query.limit);
  std::vector<std::string> texts;
  while (rows.step()) texts.emplace_back(rows.text(0));
  return texts;
}

}  // namespace

std::vector<std::string> complete_search(Connection& connection, const CompletionQuery& query) {
  const std::string like(kLike);
  const std::string pattern = begins_with(query.prefix);
  WhereClause where;
  of_project(where, query);
  switch (query.of) {
    case CompletionQuery::Of::kTagKeys:
      where.add("key" + like, pattern);
      return read_texts(connection, "SELECT DISTINCT key FROM tag_key", where, " ORDER BY key", query);
    case CompletionQuery::Of::kTagValues:
      where.add("key = ?", std::string(kept_of_tag(query.key)));
      where.add("value <> ''");
      where.add("value" + like, pattern);
      return tag_values(connection, where, query);
    case CompletionQuery::Of::kReleases:
      where.add("version <> ''");
      where.add("version" + like, pattern);
      return read_texts(connection, R"(SELECT version FROM "release")", where,
                        " GROUP BY version ORDER BY max(first_seen) DESC, version", query);
    case CompletionQuery::Of::kEnvironments:
      where.add("name <> ''");
      where.add("name" + like, pattern);
      return read_texts(connection, "SELECT DISTINCT name FROM environment", where, " ORDER BY name", query);
    case CompletionQuery::Of::kAssignees:
      return assignees(connection, query);
    case CompletionQuery::Of::kUsers:
      break;
  }
  return user_values(connection, query);
}

std::vector<IssueTag> list_issue_tags(Connection& connection, IssueId issue) {
  Statement rows = connection.prepare(kIssueTags);
  rows.bind(issue, kMostValuesShown);
  std::vector<IssueTag> tags;
  while (rows.step()) {
    if (tags.empty() || tags.back().key != rows.text(0)) {
      tags.push_back({std::string(rows.text(0)), rows.integer(4), {}});
    }
    tags.back().values.push_back({std::string(rows.text(1)), rows.integer(2), rows.integer(3)});
  }
  return tags;
}

}  // namespace trapline::collector::sql
