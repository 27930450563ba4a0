#include "collector/storage/sql/consistency_check.h"

#include <limits>
#include <utility>

#include "collector/storage/sql/counter_checks.h"
#include "collector/storage/sql/file_checks.h"
#include "collector/storage/sql/orphan_checks.h"
#include "collector/storage/sql/payload_check.h"

namespace trapline::collector::sql {
namespace {

constexpr std::size_t kMostExamples = 5;
/// Of issues or hashes in a slice.
constexpr int kRowsInSlice = 500;
/// Of looks into an index in a slice.
constexpr int kLooksInSlice = 1'000;

void replace(std::string& text, const std::string& what, std::string_view with) {
  const std::size_t place = text.find(what);
  if (place != std::string::npos) text.replace(place, what.size(), with);
}

std::string describe(std::string_view description, const Statement& row) {
  std::string text(description);
  for (int column = 0; text.find('{') != std::string::npos && column < 10; ++column) {
    replace(text, "{" + std::to_string(column) + "}", std::to_string(row.integer(column)));
  }
  return text;
}

/// The last id of the slice after `after`; nothing when there are no more rows.
std::optional<std::int64_t> end_of_slice(Connection& connection, std::string_view table, std::int64_t after) {
  Statement statement = connection.prepare("SELECT max(id) FROM (SELECT id FROM " + std::string(table) +
                                           " WHERE id > ?1 ORDER BY id LIMIT ?2) AS slice");
  statement.bind(after, kRowsInSlice);
  if (!statement.step() || statement.is_null(0)) return std::nullopt;
  return statement.integer(0);
}

}  // namespace

CheckFinding run_check(Connection& connection, const Check& check, const CheckOptions& options) {
  options.on_step(check.what);
  CheckFinding finding;
  finding.what = check.what;
  std::optional<std::int64_t> after = std::numeric_limits<std::int64_t>::min();
  while (after) {
    Slice slice = check.find(connection, *after);
    if (!slice.faults.empty()) {
      // What is being written may look like one: of SQLite, a day's file is committed before the database.
      const Transaction nobody_writes(connection);
      slice = check.find(connection, *after);
    }
    for (const Fault& fault : slice.faults) {
      ++finding.faults;
      if (finding.examples.size() < kMostExamples) finding.examples.push_back(fault.description);
      if (options.repairs && check.mend(connection, fault.key)) ++finding.mended;
    }
    after = slice.next;
  }
  return finding;
}

std::vector<Check> table_checks(const CheckContext& context) {
  std::vector<Check> checks = orphan_checks(context.now, context.sealer);
  if (context.is_deep) checks.push_back(payload_check(context.now, context.sealer));
  for (Check& check : counter_checks()) checks.push_back(std::move(check));
  for (Check& check : file_checks(context)) checks.push_back(std::move(check));
  return checks;
}

std::function<Slice(Connection&, std::int64_t after)> ask_by_ranges(RangeQuestion question) {
  return [question = std::move(question)](Connection& connection, std::int64_t after) {
    Slice slice;
    slice.next = end_of_slice(connection, question.table, after);
    if (!slice.next) return slice;
    Statement statement = connection.prepare(question.sql);
    statement.bind(after, *slice.next);
    while (statement.step()) {
      slice.faults.push_back({statement.integer(0), describe(question.description, statement)});
    }
    return slice;
  };
}

std::function<Slice(Connection&, std::int64_t after)> ask_for_owners(OwnerQuestion question) {
  const std::string table(question.table);
  const std::string column(question.column);
  const std::string look = "SELECT named.id, EXISTS (SELECT 1 FROM " + std::string(question.owners) +
                           " AS owner WHERE owner.id = named.id) FROM (SELECT min(" + column + ") AS id FROM " + table +
                           " WHERE " + column + " > ?1) AS named";
  const std::string rows = "SELECT count(*) FROM " + table + " WHERE " + column + " = ?1";
  const std::string owner(question.owners);
  return [=](Connection& connection, std::int64_t after) {
    Slice slice;
    std::int64_t last = after;
    for (int looks = 0; looks < kLooksInSlice; ++looks) {
      bool has_owner = false;
      {
        Statement statement = connection.prepare(look);
        statement.bind(last);
        if (!statement.step() || statement.is_null(0)) return slice;
        last = statement.integer(0);
        has_owner = statement.integer(1) != 0;
      }
      if (has_owner) continue;
      Statement count = connection.prepare(rows);
      count.bind(last);
      count.step();
      std::string description = std::to_string(count.integer(0));
      description.append(" rows of ").append(table).append(" name ").append(owner).append(" ");
      description.append(std::to_string(last)).append(", which is not there");
      slice.faults.push_back({last, std::move(description)});
    }
    slice.next = last;
    return slice;
  };
}

}  // namespace trapline::collector::sql
