#include "collector/storage/sql/search_clause.h"

#include <string>
#include <utility>

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

class ConditionWriter {
 public:
  explicit ConditionWriter(WhereClause& where) : where_(where) {}

  std::string write(const SearchNode& node) {
    switch (node.kind) {
      case SearchNode::Kind::kAll:
        return join(node, " AND ", "1 = 1");
      case SearchNode::Kind::kAny:
        return join(node, " OR ", "1 = 0");
      case SearchNode::Kind::kNot:
        return "NOT " + write(node.parts.front());
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
        where_.add_value(contains_pattern(term.text));
        return R"((title || ' ' || culprit) LIKE ? ESCAPE '\')";
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
        return seen_in("release_id", R"("release")", "version", term);
      case SearchField::kEnvironment:
        return seen_in("environment_id", "environment", "name", term);
    }
    return "1 = 0";
  }

  /// Names are looked at once, and not once for each issue that has them. Events without one have an empty one.
  std::string seen_in(const std::string& id, const std::string& table, const std::string& name,
                      const SearchTerm& term) {
    return "EXISTS (SELECT 1 FROM issue_hash JOIN hash_presence ON hash_id = issue_hash.id WHERE issue_id = issue.id "
           "AND " +
           id + " IN (SELECT id FROM " + table + " WHERE " + name + " <> '' AND " + text(name, term) + "))";
  }

  std::string number(std::string_view column, const SearchTerm& term) {
    where_.add_value(term.number);
    return std::string(column).append(comparison_sign(term.comparison));
  }

  std::string text(std::string_view column, const SearchTerm& term) {
    if (term.comparison == SearchOperator::kIsSet) return std::string(column) + " <> ''";
    const bool is_pattern = term.comparison == SearchOperator::kMatches;
    where_.add_value(is_pattern ? star_pattern(term.text) : term.text);
    return std::string(column) + (is_pattern ? R"( LIKE ? ESCAPE '\')" : " = ?");
  }

  WhereClause& where_;
};

}  // namespace

void add_search(WhereClause& where, const Search& search) {
  ConditionWriter writer(where);
  where.add(writer.write(search));
}

}  // namespace trapline::collector::sql
