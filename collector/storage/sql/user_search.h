#pragma once

/// Finds all that is stored of a user, a part at a time. Every event is unpacked and asked: no index knows all users of
/// all events, and none may be missed.

#include <cstdint>
#include <string>
#include <vector>

#include "collector/storage/sql/attachment_contents.h"
#include "collector/storage/sql/connection.h"
#include "collector/storage/sql/payload_dictionaries.h"
#include "collector/storage/user_rights.h"

namespace trapline::collector::sql {

/// What finding needs beside the database. All of it must outlive who has it.
struct UserSearchParts {
  const PayloadReader& reader;
  PayloadDictionaries& dictionaries;
  const AttachmentContents& contents;
};

struct FoundEvent {
  std::int64_t row = 0;
  std::int64_t hash_id = 0;
  StoredEvent stored;
};
struct FoundQuarantined {
  std::int64_t row = 0;
  QuarantinedEvent event;
};
struct FoundName {
  UserName name;
  std::int64_t user = 0;  ///< as in hash_user
};

struct UserFindings {
  std::vector<FoundEvent> events;
  std::vector<FoundQuarantined> quarantined;
  std::vector<StoredItem> items;  ///< feedback and sessions
  std::vector<FoundName> names;
};

/// A page of what the project's events have told of users, behind `last`, which moves on. Empty at the end.
std::vector<FoundName> next_names(Connection& reader, FoundName& last);

/// Not thread-safe.
class UserSearch {
 public:
  /// Finds what was received before `until`.
  UserSearch(const UserSelector& user, const UserSearchParts& parts, UnixMillis until)
      : user_(user), parts_(parts), until_(until) {}

  /// Looks at the next part. False: there is none.
  bool look(Connection& reader, UserFindings& found);

  [[nodiscard]] const UserSelector& user() const { return user_; }
  /// Those that are looked at. After the first look().
  [[nodiscard]] const std::vector<ProjectId>& projects() const { return projects_; }
  [[nodiscard]] std::int64_t unreadable() const { return unreadable_; }
  [[nodiscard]] int percent() const { return percent_; }

 private:
  enum class Stage { kBegin, kEvents, kQuarantine, kFeedback, kSessions, kSessionCounts, kNames, kEnd };

  void begin(Connection& reader);
  void look_at_events(Connection& reader, UserFindings& found);
  void look_at_quarantine(Connection& reader, UserFindings& found);
  void look_at_items(Connection& reader, ItemKind kind, UserFindings& found);
  void look_at_names(Connection& reader, UserFindings& found);
  [[nodiscard]] bool is_wanted(ProjectId project) const;
  [[nodiscard]] bool is_of_user(const QuarantinedEvent& event) const;
  [[nodiscard]] bool is_of_user(const StoredItem& item) const;
  void begin_stage(Stage stage);
  /// The next project of this stage, or the next stage.
  void go_on();

  const UserSelector user_;
  const UserSearchParts parts_;
  const UnixMillis until_;
  Stage stage_ = Stage::kBegin;
  std::vector<ProjectId> projects_;
  std::size_t project_ = 0;  ///< the place of the one that is looked at
  std::int64_t row_ = 0;     ///< the last that was looked at
  std::int64_t first_row_ = 0;
  std::string cursor_;
  FoundName last_name_;
  std::int64_t unreadable_ = 0;
  int percent_ = 0;
};

}  // namespace trapline::collector::sql
