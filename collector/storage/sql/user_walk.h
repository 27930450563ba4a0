#pragma once

#include <deque>
#include <set>
#include <string>

#include "collector/storage/sql/user_search.h"

namespace trapline::collector::sql {

/// All that is stored of a user, for those who may see it.
class UserRecords final : public UserWalk {
 public:
  UserRecords(const UserSelector& user, const UserSearchParts& parts, UnixMillis until)
      : parts_(parts), search_(user, parts, until) {}

  UserPage look(Connection& reader);

 private:
  void add_event(Connection& reader, StoredEvent event, UserPage& page);
  void add_belongings(Connection& reader, ProjectId project, std::string_view event_id, UserPage& page);

  const UserSearchParts parts_;
  UserSearch search_;
  std::deque<StoredEvent> events_;    ///< found, and not handed out yet
  std::set<std::string> told_items_;  ///< feedback that was handed out with its event
  bool is_at_end_ = false;
};

}  // namespace trapline::collector::sql
