#pragma once

/// Erases all that is stored of a user, in steps so small that digestion, which writes by the same connection or
/// beside it, hardly waits. A step first looks what to do, reading only, and then does some of it. What was broken off
/// is found again: what leads to it goes last.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "collector/storage/sql/user_search.h"
#include "collector/storage/sql/user_settler.h"

namespace trapline::collector::sql {

/// Not thread-safe.
class UserEraser final : public UserErasure {
 public:
  UserEraser(const UserSelector& user, const UserSearchParts& parts, UnixMillis until, bool is_dry)
      : parts_(parts), search_(user, parts, until), settler_(parts), is_dry_(is_dry) {}

  /// Finds out what is to be done next, unless something is left to do. False: all is done.
  bool look(Connection& reader);
  /// While more may be found, not before there is a slice of it: of most parts a user has little, and commits cost.
  [[nodiscard]] bool has_act() const { return stage_ == Stage::kFind ? acts_.size() >= slice_ : !acts_.empty(); }
  /// Does a part of it, in a transaction of some milliseconds.
  void act(Connection& writer);
  [[nodiscard]] int percent() const;
  /// Of the database: one erasure at a time. Let go of when this is.
  void hold(std::shared_ptr<void> lock) { lock_ = std::move(lock); }

  [[nodiscard]] const std::map<ProjectId, ErasedCounts>& counts() const override { return counts_; }
  [[nodiscard]] std::int64_t unreadable() const override { return search_.unreadable(); }

 private:
  enum class Stage { kFind, kUsers, kReleaseUsers, kSettle, kNames, kEnd };

  void find(Connection& reader);
  void know_users();
  void plan(FoundEvent& found);
  void plan(FoundQuarantined& found);
  void plan(const StoredItem& item);
  void erase_event(Connection& writer, const FoundEvent& found, const std::vector<std::int64_t>& tags);
  void erase_belongings(Connection& writer, ProjectId project, const std::string& event_id);
  void count_found(Connection& reader, const UserFindings& found);
  void plan_users(Connection& reader);
  void plan_release_users(Connection& reader);
  void plan_names(Connection& reader);

  std::shared_ptr<void> lock_;
  const UserSearchParts parts_;
  UserSearch search_;
  UserSettler settler_;
  const bool is_dry_;
  Stage stage_ = Stage::kFind;
  std::deque<ErasureAct> acts_;
  std::size_t slice_ = 32;
  std::map<ProjectId, ErasedCounts> counts_;
  std::set<std::pair<ProjectId, IssueId>> issues_;
  ProjectUsers users_;                  ///< whom the erased events were of
  ProjectUsers session_users_;          ///< the same of sessions, as in release_user
  std::set<std::string> told_reports_;  ///< that a dry run has counted
  bool knows_users_ = false;
  std::size_t project_ = 0;  ///< of search_.projects(): whose names are looked at
  FoundName last_name_;
};

}  // namespace trapline::collector::sql
