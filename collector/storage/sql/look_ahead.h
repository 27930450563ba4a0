#pragma once

/// What storing a batch would ask event by event, asked in a few questions: for databases to which each question is a
/// journey (Connection::is_remote()). True as long as nobody else writes, which is the transaction's time.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "collector/storage/records.h"
#include "collector/storage/sql/connection.h"
#include "collector/storage/sql/issue_tally.h"

namespace trapline::collector::sql {

/// Which events of a batch are known, and which row ids are taken.
class KnownEvents {
 public:
  KnownEvents(Connection& connection, std::span<const DigestedEvent> batch);

  [[nodiscard]] bool contains(ProjectId project, std::string_view id) const {
    return ids_.contains(text_of(project, id));
  }
  void add(ProjectId project, std::string_view id) { ids_.insert(text_of(project, id)); }

  /// The next row id of a millisecond, which begins at `base` (first_row_id()). Nothing: they were not asked for.
  std::optional<std::int64_t> take_row(std::int64_t base);

 private:
  using Key = std::pair<ProjectId, std::string>;  ///< its event's id as bytes
  static std::string text_of(ProjectId project, std::string_view id);
  void read_ids(Connection& connection, std::string_view table, const std::string& condition,
                const std::vector<Key>& asked);
  void read_rows(Connection& connection, UnixMillis from, UnixMillis to);

  std::unordered_set<std::string> ids_;
  std::unordered_map<std::int64_t, std::int64_t> last_rows_;  ///< by the millisecond's base
  bool has_rows_ = false;
};

/// Writes hash_user for all tallies, as HashTally::write_users() does for one. Answers how many users are new to each
/// issue.
std::unordered_map<IssueId, std::int64_t> write_users(Connection& connection,
                                                      const std::vector<const HashTally*>& tallies);

/// What the issues' rows say before a batch is added.
std::unordered_map<IssueId, IssueCounts> counts_before(Connection& connection, const std::vector<IssueId>& asked);

}  // namespace trapline::collector::sql
