#pragma once

/// What is still to be done of a group hash after events of it were erased at their user's wish: the index of what its
/// events say, its tags, its users and its issue's title must not tell of them. It stands in a table, so that a kill in
/// between loses none of it.

#include <cstdint>
#include <vector>

#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// The numbers stand in the table: they never change.
enum class RestKind : std::uint8_t {
  kHash = 0,   ///< the hash itself; `count`: how many of what it counted are erased
  kTag = 1,    ///< a tag of an erased event
  kUser = 2,   ///< the user of one, as in hash_user
  kIssue = 3,  ///< the hash is done, and its issue is not; `count` as of kHash
};

struct Rest {
  std::int64_t hash_id = 0;
  RestKind kind = RestKind::kHash;
  std::int64_t subject = 0;
  std::int64_t count = 0;
};

/// Within a transaction. Adds to the count of what is there.
void note_rest(Connection& writer, const Rest& rest);
/// The subjects of a hash.
std::vector<std::int64_t> subjects_of(Connection& reader, std::int64_t hash, RestKind kind);
/// Group hashes that are still to be done, at most so many.
std::vector<std::int64_t> hashes_to_settle(Connection& reader, std::size_t most);
std::int64_t count_hashes_to_settle(Connection& reader);
/// Within a transaction: the hash is done.
void hash_is_settled(Connection& writer, std::int64_t hash);
/// Issues whose hashes are done; 0 stands for hashes that are there no more.
std::vector<std::int64_t> issues_to_settle(Connection& reader, std::size_t most);
/// Within a transaction.
void issue_is_settled(Connection& writer, std::int64_t issue);

}  // namespace trapline::collector::sql
