#pragma once

/// Does what is left after events were erased (erasure_rest.h), from what remains of the group hashes' events.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "collector/storage/sql/connection.h"
#include "collector/storage/sql/text_index.h"
#include "collector/storage/sql/user_search.h"

namespace trapline::collector::sql {

/// A small change, within a transaction of several.
using ErasureAct = std::function<void(Connection& writer)>;

/// Users by project, as in hash_user.
using ProjectUsers = std::set<std::pair<ProjectId, std::int64_t>>;
/// What remaining events tell of such users: project, kind, value, user.
using ToldNames = std::set<std::tuple<ProjectId, UserField, std::string, std::int64_t>>;

/// Not thread-safe.
class UserSettler {
 public:
  explicit UserSettler(const UserSearchParts& parts) : parts_(parts) {}

  /// Looks at the next part, and adds what is to be done. False: there is nothing left, after those were done.
  /// `users`: whose names are to be found among what remains.
  bool look(Connection& reader, const ProjectUsers& users, std::deque<ErasureAct>& acts);

  /// What remaining events tell of the users.
  [[nodiscard]] const ToldNames& told() const { return told_; }
  [[nodiscard]] const std::map<ProjectId, std::int64_t>& deleted_issues() const { return deleted_issues_; }
  [[nodiscard]] int percent() const { return percent_; }

 private:
  /// What remains of a group hash.
  struct Group {
    std::int64_t hash_id = 0;
    UnixMillis last_seen = 0;
    std::int64_t erased = 0;
    std::unordered_map<std::int64_t, std::int64_t> tags;  ///< of erased events only, and how often they were counted
    std::unordered_set<std::int64_t> users;               ///< of erased events only
    bool has_events = false;
    std::string title;  ///< of the newest
  };
  /// Of a group hash and week, by their marks.
  struct WeekTexts {
    std::unordered_map<std::uint32_t, bool> indexed;         ///< and whether a remaining event says it
    std::unordered_map<std::uint32_t, std::string> missing;  ///< that remaining events say
    std::size_t missing_bytes = 0;
    std::unordered_map<std::uint32_t, std::string>
        said_again;  ///< that were removed, and events say that came meanwhile
  };

  bool begin_groups(Connection& reader);
  void begin_group(Connection& reader, std::int64_t hash);
  bool read_events(Connection& reader, const ProjectUsers& users);
  void take(Group& group, DigestedEvent& event, const ProjectUsers& users);
  void add_texts(std::int64_t hash, const DigestedEvent& event);
  void add_said_again(std::int64_t hash, const DigestedEvent& event);
  void plan_said_again(std::deque<ErasureAct>& acts);
  void plan_texts(Connection& reader, std::deque<ErasureAct>& acts);
  void plan_groups(std::deque<ErasureAct>& acts);
  bool plan_issues(Connection& reader, std::deque<ErasureAct>& acts);
  bool plan_compacting(Connection& reader, std::deque<ErasureAct>& acts);
  static void settle_group(Connection& writer, const Group& group);
  void settle_issue(Connection& writer, IssueId issue);

  const UserSearchParts parts_;
  std::vector<Group> groups_;
  bool has_removed_texts_ = false;
  bool is_second_look_ = false;                      ///< at what came while texts were removed
  std::size_t group_ = 0;                            ///< the place of the one whose events are read
  std::int64_t row_ = 0;                             ///< the last that was read
  std::map<UnixMillis, std::vector<TextRow>> rows_;  ///< in the index of texts, before the events were read
  std::map<std::pair<UnixMillis, std::int64_t>, WeekTexts> texts_;  ///< by week and hash
  std::set<UnixMillis> changed_weeks_;
  std::set<UnixMillis> compacting_;  ///< of them, those that were begun
  ToldNames told_;
  std::map<ProjectId, std::int64_t> deleted_issues_;
  std::int64_t most_to_settle_ = 0;
  int percent_ = 0;
};

}  // namespace trapline::collector::sql
