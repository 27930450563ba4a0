#pragma once

/// What a batch of events adds to its issues, gathered so that each row is written once a batch.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "collector/storage/records.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// 64 bits of what a user is told apart by (SipHash; stable across runs and machines).
std::int64_t user_hash(std::string_view user);

/// The rows of `release` and `environment` by name, made as they are needed. Not thread-safe.
class NameIds {
 public:
  explicit NameIds(Connection& connection) : connection_(connection) {}
  /// `first_seen` and `last_seen` widen what the row says; last_seen may lag behind by a minute.
  std::int64_t release(ProjectId project, std::string_view version, UnixMillis first_seen, UnixMillis last_seen);
  std::int64_t environment(ProjectId project, std::string_view name);
  void forget();

 private:
  struct Release {
    std::int64_t id = 0;
    UnixMillis first_seen = 0;
    UnixMillis last_seen = 0;
  };
  Connection& connection_;
  std::unordered_map<std::string, Release> releases_;
  std::unordered_map<std::string, std::int64_t> environments_;
};

/// The events of one batch with one hash.
class HashTally {
 public:
  HashTally(std::int64_t hash_id, IssueId issue_id) : hash_id_(hash_id), issue_id_(issue_id) {}

  /// The event is borrowed until the tally's end. `is_kept`: else it is only counted. `with_user`: who had it is, too.
  void add(const DigestedEvent& event, bool is_kept, bool with_user = true);

  /// Writes hash_hour, hash_presence and issue_hash.
  void write(Connection& connection, NameIds& names) const;
  /// Writes hash_user. Answers how many users are new to the issue.
  std::int64_t write_users(Connection& connection) const;

  [[nodiscard]] std::int64_t hash_id() const { return hash_id_; }
  [[nodiscard]] IssueId issue_id() const { return issue_id_; }
  [[nodiscard]] const std::unordered_set<std::int64_t>& users() const { return users_; }
  [[nodiscard]] const DigestedEvent& newest() const { return *newest_; }
  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] std::int64_t stored() const { return stored_; }
  [[nodiscard]] UnixMillis first_seen() const { return first_seen_; }
  [[nodiscard]] UnixMillis last_seen() const { return last_seen_; }

  struct Presence {
    std::int64_t count = 0;
    UnixMillis first_seen = 0;
    UnixMillis last_seen = 0;
    UnixMillis last_occurred = 0;  ///< by the collector's clock (issue_life.h)
  };
  /// By release and environment.
  using Presences = std::map<std::pair<std::string_view, std::string_view>, Presence>;
  [[nodiscard]] const Presences& presences() const { return presences_; }
  /// Events by hour.
  [[nodiscard]] const std::map<UnixMillis, std::int64_t>& hours() const { return hours_; }

 private:
  std::int64_t hash_id_;
  IssueId issue_id_;
  const DigestedEvent* newest_ = nullptr;
  std::int64_t count_ = 0;
  std::int64_t stored_ = 0;
  UnixMillis first_seen_ = 0;
  UnixMillis last_seen_ = 0;
  std::map<UnixMillis, std::int64_t> hours_;
  std::unordered_set<std::int64_t> users_;
  Presences presences_;
};

/// What an issue's row says beside what its events do.
struct IssueCounts {
  std::int64_t count = 0;
  std::int64_t users = 0;
  IssueState state;
  std::string overview;  ///< issue_overview.h
};

/// What is added to an issue. `before`: what its row says, when that is known.
struct IssueAddition {
  std::vector<const HashTally*> tallies;
  std::int64_t new_users = 0;
  bool is_new = false;
  std::optional<IssueCounts> before;
};

/// Updates the issue with what its hashes gathered, and ends its status where that is due: the change, if any.
std::vector<IssueChange> update_issue(Connection& connection, const IssueAddition& addition, UnixMillis now);

/// Adds an entry to an issue's history.
void add_history(Connection& connection, IssueId issue, UnixMillis at, std::string_view kind, std::string_view actor,
                 std::string_view details);

/// The columns of an issue's state, in the order that read_state() wants them, from `first_column` on.
constexpr std::string_view kStateColumns =
    "status, status_at, resolved_release, resolved_is_next, ignored_until, ignored_until_count, ignored_until_users";
IssueState read_state(const Statement& row, int first_column);

/// Writes the state; `status_at` included.
void write_state(Connection& connection, IssueId issue, const IssueState& state);

/// Adds to where a hash was seen.
void count_presence(Connection& connection, std::int64_t hash_id, std::int64_t release_id, std::int64_t environment_id,
                    std::int64_t count, UnixMillis first_seen, UnixMillis last_seen);

}  // namespace trapline::collector::sql
