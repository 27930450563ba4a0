#include "collector/storage/sql/look_ahead.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "collector/storage/sql/event_ids.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sql {
namespace {

/// How many rows one question asks for. Of each there is one statement, so that all are prepared soon; what is less is
/// filled up with its last.
constexpr std::size_t kSizes[] = {1, 8, 64};
/// Ids of events that came within so long are looked up in one go. A backlog may span days.
constexpr UnixMillis kLongestSpan = 10'000;

/// A question for many rows: "before (?, ?), (?, ?), … after".
struct Question {
  std::string before;
  std::string_view row;
  std::string after;

  [[nodiscard]] std::string sql(std::size_t rows) const {
    std::string sql = before;
    for (std::size_t index = 0; index < rows; ++index) {
      if (index > 0) sql += ',';
      sql += row;
    }
    return sql + after;
  }
};

std::size_t size_for(std::size_t left) {
  const auto fitting =
      std::find_if(std::begin(kSizes), std::end(kSizes), [&](std::size_t size) { return size >= left; });
  return fitting != std::end(kSizes) ? *fitting : *std::prev(std::end(kSizes));
}

template <class Asked, class Bind, class Read>
void ask(Connection& connection, const Question& question, const std::vector<Asked>& asked, Bind bind, Read read) {
  std::size_t size = 0;
  for (std::size_t first = 0; first < asked.size(); first += size) {
    size = size_for(asked.size() - first);
    Statement statement = connection.prepare(question.sql(size));
    for (std::size_t index = first; index < first + size; ++index) {
      bind(statement, asked[std::min(index, asked.size() - 1)]);
    }
    while (statement.step()) read(statement);
  }
}

/// A user of a hash, or of an issue, by their numbers.
using Affected = std::pair<std::int64_t, std::int64_t>;

std::set<Affected> known_of(Connection& connection, const Question& question, const std::vector<Affected>& asked) {
  std::set<Affected> known;
  ask(
      connection, question, asked,
      [](Statement& statement, const Affected& one) { statement.bind(one.first, one.second); },
      [&](const Statement& row) { known.emplace(row.integer(0), row.integer(1)); });
  return known;
}

Question known_of_hashes() {
  return {R"(SELECT known.hash_id, known."user" FROM (VALUES )", "(?, ?)",
          R"() AS asked (hash_id, "user")
             JOIN hash_user AS known ON known.hash_id = asked.hash_id AND known."user" = asked."user")"};
}

/// By whichever hash of the issue.
Question known_of_issues() {
  return {R"(SELECT asked.issue_id, asked."user" FROM (VALUES )", "(?, ?)",
          R"() AS asked (issue_id, "user") WHERE EXISTS (
             SELECT 1 FROM issue_hash JOIN hash_user ON hash_id = issue_hash.id AND hash_user."user" = asked."user"
             WHERE issue_hash.issue_id = asked.issue_id))"};
}

}  // namespace

KnownEvents::KnownEvents(Connection& connection, std::span<const DigestedEvent> batch) {
  if (batch.empty()) return;
  std::vector<Key> asked;
  asked.reserve(batch.size());
  UnixMillis from = batch.front().received_at;
  UnixMillis to = from;
  for (const DigestedEvent& event : batch) {
    asked.emplace_back(event.project_id, event_id_bytes(event.event_id));
    from = std::min(from, event.received_at);
    to = std::max(to, event.received_at);
  }
  UnixMillis earliest = batch.front().first_possible_receipt;
  for (const DigestedEvent& event : batch) earliest = std::min(earliest, event.first_possible_receipt);
  // In the text, so that the plan leaves out the partitions before it; by the day, so that there are few texts.
  read_ids(connection, "event", " AND known.id >= " + std::to_string(first_row_id(start_of(earliest, kDayMs))), asked);
  read_ids(connection, "event_counted", "", asked);
  if (to - from <= kLongestSpan) read_rows(connection, from, to);
}

std::string KnownEvents::text_of(ProjectId project, std::string_view id) {
  return std::to_string(project).append(" ").append(id);
}

void KnownEvents::read_ids(Connection& connection, std::string_view table, const std::string& condition,
                           const std::vector<Key>& asked) {
  const Question question{"SELECT known.project_id, known.event_id FROM (VALUES ", "(?, ?)",
                          ") AS asked (project_id, event_id) JOIN " + std::string(table) +
                              " AS known ON known.project_id = asked.project_id AND known.event_id = asked.event_id" +
                              condition};
  ask(
      connection, question, asked,
      [](Statement& statement, const Key& event) {
        statement.bind(event.first);
        statement.bind_blob(event.second);
      },
      [&](const Statement& row) { add(row.integer(0), row.text(1)); });
}

void KnownEvents::read_rows(Connection& connection, UnixMillis from, UnixMillis to) {
  Statement rows = connection.prepare("SELECT max(id) FROM event WHERE id >= ? AND id < ? GROUP BY id >> " +
                                      std::to_string(kRowIdTimeShift));
  rows.bind(first_row_id(from), first_row_id(to + 1));
  while (rows.step()) last_rows_[first_row_id(received_at_of(rows.integer(0)))] = rows.integer(0);
  has_rows_ = true;
}

std::optional<std::int64_t> KnownEvents::take_row(std::int64_t base) {
  if (!has_rows_) return std::nullopt;
  return ++last_rows_.try_emplace(base, base - 1).first->second;
}

std::unordered_map<IssueId, std::int64_t> write_users(Connection& connection,
                                                      const std::vector<const HashTally*>& tallies) {
  std::vector<Affected> asked;
  for (const HashTally* tally : tallies) {
    for (const std::int64_t user : tally->users()) asked.emplace_back(tally->hash_id(), user);
  }
  const std::set<Affected> of_hashes = known_of(connection, known_of_hashes(), asked);
  std::vector<Affected> of_issues_asked;
  for (const HashTally* tally : tallies) {
    for (const std::int64_t user : tally->users()) {
      if (!of_hashes.contains({tally->hash_id(), user})) of_issues_asked.emplace_back(tally->issue_id(), user);
    }
  }
  std::set<Affected> of_issues = known_of(connection, known_of_issues(), of_issues_asked);
  std::unordered_map<IssueId, std::int64_t> new_users;
  for (const HashTally* tally : tallies) {
    for (const std::int64_t user : tally->users()) {
      if (of_hashes.contains({tally->hash_id(), user})) continue;
      connection.prepare(R"(INSERT INTO hash_user (hash_id, "user") VALUES (?, ?))").bind(tally->hash_id(), user).run();
      if (of_issues.emplace(tally->issue_id(), user).second) ++new_users[tally->issue_id()];
    }
  }
  return new_users;
}

std::unordered_map<IssueId, IssueCounts> counts_before(Connection& connection, const std::vector<IssueId>& asked) {
  const Question question{
      "SELECT id, count, user_count, " + std::string(kStateColumns) + ", overview FROM issue WHERE id IN (", "?", ")"};
  std::unordered_map<IssueId, IssueCounts> before;
  ask(
      connection, question, asked, [](Statement& statement, IssueId id) { statement.bind(id); },
      [&](const Statement& row) {
        before[row.integer(0)] = {row.integer(1), row.integer(2), read_state(row, 3), std::string(row.text(10))};
      });
  return before;
}

}  // namespace trapline::collector::sql
