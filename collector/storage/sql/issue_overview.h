#pragma once

/// What lists show of an issue that stands in many rows of its group hashes (hash_hour, hash_presence), once more in
/// the issue's own row: a list of 25 issues would read some ten thousand of them. It is written with each batch
/// (issue_tally.h); where there is none it is made from those rows.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "collector/storage/records.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

class IssueOverview {
 public:
  void add_events(UnixMillis time, std::int64_t count);
  void add_presence(std::string_view release, std::string_view environment, UnixMillis first_seen,
                    UnixMillis last_seen);

  /// As the row keeps it.
  [[nodiscard]] std::string to_text() const;
  /// Nothing for an empty one, or what is none.
  static std::optional<IssueOverview> parse(std::string_view text);
  /// From the rows of the issue's hashes.
  static IssueOverview read(Connection& connection, IssueId issue);

  /// Fills in the issue's daily_counts, releases and environments.
  void show(Issue& issue, UnixMillis now, bool with_environments) const;

  /// Of two releases that were seen first at the same time either is.
  [[nodiscard]] bool agrees_with(const IssueOverview& other) const;

 private:
  struct End {
    std::string release;  ///< empty: none
    UnixMillis seen = 0;
  };
  std::map<std::int64_t, std::int64_t> days_;  ///< events by UTC day, counted from 1970: of the newest days
  End first_release_;                          ///< the one that was seen first, and when
  End last_release_;
  std::set<std::string, std::less<>> environments_;
};

}  // namespace trapline::collector::sql
