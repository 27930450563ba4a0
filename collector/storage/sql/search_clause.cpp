#include "collector/storage/sql/search_clause.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "collector/storage/release_version.h"
#include "collector/storage/sql/search_writer.h"
#include "collector/storage/sql/text_index.h"
#include "collector/storage/sql/where_clause.h"

namespace trapline::collector::sql {
namespace {

/// LIKE's own characters, taken literally.
void append_literal(std::string& pattern, char character) {
  if (character == '%' || character == '_' || character == '\\') pattern += '\\';
  pattern += character;
}

std::string contains_pattern(std::string_view word) {
  std::string pattern = "%";
  for (const char character : word) append_literal(pattern, character);
  return pattern + "%";
}

std::string star_pattern(std::string_view text) {
  std::string pattern;
  for (const char character : text) {
    if (character == '*') {
      pattern += '%';
    } else {
      append_literal(pattern, character);
    }
  }
  return pattern;
}

std::string_view comparison_sign(SearchOperator comparison) {
  switch (comparison) {
    case SearchOperator::kLess:
      return " < ?";
    case SearchOperator::kLessOrEqual:
      return " <= ?";
    case SearchOperator::kGreater:
      return " > ?";
    case SearchOperator::kGreaterOrEqual:
      return " >= ?";
    default:
      return " = ?";
  }
}

/// Up to so many group hashes are a list.
constexpr std::size_t kMostListed = 2'000;
/// With at most so many group hashes, what is not to be there is looked for once: most issues that are looked at may
/// have it, and then the look at each of them does not end soon.
constexpr std::int64_t kMostLookedThrough = 200'000;
/// Of rows of the index of texts: more would take longer than anybody waits, and are of older weeks.
constexpr std::size_t kMostTexts = 200'000;
/// Keeps PostgreSQL from joining all there is when it is the first few issues that are asked for.
constexpr const char* kForEachRow = " OFFSET 0";
/// A program that releases with each change has so many in years.
constexpr int kMostReleases = 50'000;

using Values = std::vector<std::variant<std::int64_t, std::string>>;

/// What a table says of group hashes.
struct Related {
  std::string_view table;
  std::string column;               ///< of the table
  std::string among = "?";          ///< what the column's values are among: a query for numbers, or one parameter
  Values values{};                  ///< its parameters
  bool is_one = false;              ///< whether there is one such value, as a rule
  std::string also{};               ///< what is asked for before, "… AND "
  std::string_view listed = table;  ///< what has the same rows in the order of the column

  /// `sign`: before the column.
  [[nodiscard]] std::string condition(std::string_view sign = "") const {
    return also + std::string(sign) + column + " IN (" + among + ")";
  }
};

void bind_values(Statement& statement, const Values& values) {
  for (const auto& value : values) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      statement.bind(*number);
    } else {
      statement.bind(std::string_view(std::get<std::string>(value)));
    }
  }
}

class ConditionWriter {
 public:
  ConditionWriter(Connection& connection, WhereClause& where, std::optional<ProjectId> project)
      : connection_(connection), where_(where), project_(project) {}

  std::string write(const SearchNode& node) {
    switch (node.kind) {
      case SearchNode::Kind::kAll:
        return join(node, " AND ", "1 = 1");
      case SearchNode::Kind::kAny:
        return join(node, " OR ", "1 = 0");
      case SearchNode::Kind::kNot: {
        is_negated_ = !is_negated_;
        std::string sql = "NOT " + write(node.parts.front());
        is_negated_ = !is_negated_;
        return sql;
      }
      case SearchNode::Kind::kTerm:
        break;
    }
    return "(" + write_term(node.term) + ")";
  }

 private:
  std::string join(const SearchNode& node, std::string_view between, std::string_view nothing) {
    std::string sql = "(";
    for (const SearchNode& part : node.parts) {
      if (sql.size() > 1) sql += between;
      sql += write(part);
    }
    if (node.parts.empty()) sql += nothing;
    return sql + ")";
  }

  std::string write_term(const SearchTerm& term) {
    switch (term.field) {
      case SearchField::kText:
        return words(term);
      case SearchField::kStatus:
        return number("status", term);
      case SearchField::kLevel:
        return number("level", term);
      case SearchField::kCount:
        return number("count", term);
      case SearchField::kUserCount:
        return number("user_count", term);
      case SearchField::kFirstSeen:
        return number("first_seen", term);
      case SearchField::kLastSeen:
        return number("last_seen", term);
      case SearchField::kAssignee:
        return text("assignee", term);
      case SearchField::kTitle:
        return text("title", term);
      case SearchField::kType:
        return text("type", term);
      case SearchField::kValue:
        return text("value", term);
      case SearchField::kCulprit:
        return text("culprit", term);
      case SearchField::kPlatform:
        return text("platform", term);
      case SearchField::kRelease:
        return related(releases(term));
      case SearchField::kEnvironment:
        return related(named({"hash_environment", "environment_id"}, "environment", "name", term));
      case SearchField::kTag:
        return related(tags(term));
      case SearchField::kUser:
        return related(users(term));
    }
    return "1 = 0";
  }

  /// "project_id = ?", or all that are there, so that an index that begins with the project serves.
  std::string of_project(Values& values) const {
    if (!project_) return "project_id IN (SELECT id FROM live_project)";
    values.emplace_back(*project_);
    return "project_id = ?";
  }

  /// Names are looked at once, and not once for each issue that has them. Events without one have an empty one.
  Related named(Related related, const std::string& table, const std::string& name, const SearchTerm& term) const {
    related.among = "SELECT id FROM " + table + " WHERE " + of_project(related.values);
    related.among += " AND " + name + " <> '' AND ";
    related.among += text(name, term, related.values);
    related.is_one = project_ && term.comparison == SearchOperator::kEqual;
    return related;
  }

  Related tags(const SearchTerm& term) const {
    if (term.comparison == SearchOperator::kIsSet) return tag_keys(term);
    Related related{"hash_tag", "tag_id"};
    related.listed = "tagged_hash";
    related.among = "SELECT id FROM tag WHERE " + of_project(related.values) + " AND key = ?";
    related.values.emplace_back(std::string(kept_of_tag(term.key)));
    related.among += " AND " + text("value", kept(term), related.values);
    related.is_one = project_ && term.comparison == SearchOperator::kEqual;
    return related;
  }

  /// Values that were not kept are values, too.
  Related tag_keys(const SearchTerm& term) const {
    Related related{"hash_tag_key", "key"};
    related.is_one = true;
    related.also = "hash_tag_key." + of_project(related.values) + " AND ";
    related.values.emplace_back(std::string(kept_of_tag(term.key)));
    return related;
  }

  Related users(const SearchTerm& term) const {
    Related related{"hash_user", R"("user")"};
    related.among = R"(SELECT "user" FROM event_user WHERE )" + of_project(related.values);
    if (term.number == kAnyUserField) {
      related.among += " AND kind IN (0, 1, 2, 3)";
    } else {
      related.among += " AND kind = ?";
      related.values.emplace_back(term.number);
    }
    related.among += " AND " + text("value", kept(term), related.values);
    return related;
  }

  /// The term as it is stored where values are cut.
  static SearchTerm kept(SearchTerm term) {
    if (term.comparison == SearchOperator::kEqual) term.text = kept_of_tag(term.text);
    return term;
  }

  Related releases(const SearchTerm& term) const {
    const bool is_compared = term.comparison != SearchOperator::kEqual && term.comparison != SearchOperator::kMatches &&
                             term.comparison != SearchOperator::kIsSet;
    if (!is_compared) {
      return named({"hash_presence", "release_id"}, R"("release")", "version", term);
    }
    Values values;
    const std::string sql =
        R"(SELECT id, version FROM "release" WHERE )" + of_project(values) + " AND version <> '' LIMIT ?";
    Statement rows = connection_.prepare(sql);
    bind_values(rows, values);
    rows.bind(kMostReleases);
    std::vector<std::int64_t> ids;
    while (rows.step()) {
      if (is_in_order(rows.text(1), term)) ids.push_back(rows.integer(0));
    }
    return {"hash_presence", "release_id", "SELECT value FROM json_each(?)", {json_list(ids)}};
  }

  static bool is_in_order(std::string_view version, const SearchTerm& term) {
    const auto order = compare_releases(version, term.text);
    if (!order) return false;
    switch (term.comparison) {
      case SearchOperator::kLess:
        return std::is_lt(*order);
      case SearchOperator::kLessOrEqual:
        return std::is_lteq(*order);
      case SearchOperator::kGreater:
        return std::is_gt(*order);
      default:
        return std::is_gteq(*order);
    }
  }

  /// CROSS JOIN: in this order, where the engine lets us say so.
  std::string related(const Related& what) {
    connection_.check_deadline();
    if (const auto hashes = few_hashes(what)) return of_hashes(*hashes);
    for (const auto& value : what.values) std::visit([&](const auto& one) { where_.add_value(one); }, value);
    // Looked for once, and not at each issue. Of releases a hash has a row for each environment, too: going through all
    // of those takes longer than looking for one at each.
    if (is_negated_ && what.table != "hash_presence" && has_few_hashes()) {
      // DISTINCT: a group hash may have many of them, and PostgreSQL makes no list in memory of what it takes for long.
      const std::string list =
          "id IN (SELECT DISTINCT hash_id FROM " + std::string(what.listed) + " WHERE " + what.condition() + ")";
      // PostgreSQL would look for each of them where it finds all sooner: it takes them for few.
      return "issue.id IN (SELECT issue_id FROM issue_hash WHERE " +
             (connection_.is_remote() ? "(" + list + ") IS TRUE)" : list + ")");
    }
    // With many numbers each row of the hash is held against them, and not each of them looked for: "+" keeps the index
    // out of it.
    return "EXISTS (SELECT 1 FROM issue_hash CROSS JOIN " + std::string(what.table) +
           " WHERE issue_id = issue.id AND hash_id = issue_hash.id AND " + what.condition(what.is_one ? "" : "+") +
           (connection_.is_remote() ? kForEachRow : "") + ")";
  }

  /// By their numbers, which are given in order: at most so many.
  bool has_few_hashes() {
    Statement last = connection_.prepare("SELECT coalesce(max(id), 0) FROM issue_hash");
    return last.step() && last.integer(0) <= kMostLookedThrough;
  }

  /// Nothing when there are many (or few that are named often).
  std::optional<std::vector<std::int64_t>> few_hashes(const Related& what) {
    Statement rows = connection_.prepare("SELECT hash_id FROM " + std::string(what.listed) + " WHERE " +
                                         what.condition() + " LIMIT ?");
    bind_values(rows, what.values);
    rows.bind(kMostListed + 1);
    std::vector<std::int64_t> hashes;
    while (rows.step()) hashes.push_back(rows.integer(0));
    if (hashes.size() > kMostListed) return std::nullopt;
    std::sort(hashes.begin(), hashes.end());
    hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
    return hashes;
  }

  std::string of_hashes(const std::vector<std::int64_t>& hashes) {
    where_.add_value(json_list(hashes));
    // With many, the first issues that are looked at have some of them. IS TRUE: the list is made once, and not joined.
    if (hashes.size() > kMostListed) {
      return "EXISTS (SELECT 1 FROM issue_hash WHERE issue_id = issue.id AND "
             "(id IN (SELECT value FROM json_each(?))) IS TRUE)";
    }
    return "issue.id IN (SELECT issue_id FROM issue_hash WHERE id IN (SELECT value FROM json_each(?)))";
  }

  /// Letters that stand in the title or the culprit, or words that an event has said.
  std::string words(const SearchTerm& term) {
    connection_.check_deadline();
    where_.add_value(contains_pattern(term.text));
    std::string sql = R"((title || ' ' || culprit) LIKE ? ESCAPE '\')";
    const auto hashes = connection_.text_index().find(text_query(term.text, term.is_phrase), kMostTexts);
    return hashes.empty() ? sql : sql + " OR " + of_hashes(hashes);
  }

  std::string number(std::string_view column, const SearchTerm& term) {
    where_.add_value(term.number);
    return std::string(column).append(comparison_sign(term.comparison));
  }

  std::string text(std::string_view column, const SearchTerm& term) {
    Values values;
    std::string sql = text(column, term, values);
    for (const auto& value : values) where_.add_value(std::get<std::string>(value));
    return sql;
  }

  static std::string text(std::string_view column, const SearchTerm& term, Values& values) {
    if (term.comparison == SearchOperator::kIsSet) return std::string(column) + " <> ''";
    const bool is_pattern = term.comparison == SearchOperator::kMatches;
    values.emplace_back(is_pattern ? star_pattern(term.text) : term.text);
    return std::string(column) + (is_pattern ? R"( LIKE ? ESCAPE '\')" : " = ?");
  }

  Connection& connection_;
  WhereClause& where_;
  std::optional<ProjectId> project_;
  bool is_negated_ = false;
};

}  // namespace

void add_search(Connection& connection, WhereClause& where, const Search& search, std::optional<ProjectId> project) {
  ConditionWriter writer(connection, where, project);
  where.add(writer.write(search));
}

}  // namespace trapline::collector::sql
