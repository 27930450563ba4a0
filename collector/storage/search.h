#pragma once

/// What issues are searched for, as a tree of conditions. search_parser.h makes one of what users write; each engine
/// makes its own SQL of it.

#include <cstdint>
#include <string>
#include <vector>

namespace trapline::collector {

enum class SearchField : std::uint8_t {
  kText,  ///< stands in title or culprit, or its words in what events say (records.h: DigestedEvent::texts)
  kStatus,
  kLevel,
  kAssignee,  ///< empty: nobody
  kTitle,
  kType,
  kValue,
  kCulprit,
  kPlatform,
  kRelease,
  kEnvironment,
  kCount,
  kUserCount,
  kFirstSeen,
  kLastSeen,
  kTag,   ///< of the key `key`
  kUser,  ///< somebody it happened to, by what `number` says of them: a UserField, or kAnyUserField
};

/// What an event tells of its user.
enum class UserField : std::uint8_t { kId, kEmail, kUsername, kIpAddress };
constexpr std::int64_t kAnyUserField = -1;

enum class SearchOperator : std::uint8_t { kEqual, kMatches, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kIsSet };

/// One condition; kIsSet asks for anything but nothing. Numbers, times (Unix milliseconds), levels and statuses are in
/// `number`, all else in `text`. Releases are compared by release_version.h.
struct SearchTerm {
  SearchField field = SearchField::kText;
  SearchOperator comparison = SearchOperator::kEqual;
  std::string text;  ///< of kMatches: a pattern, in which '*' stands for any characters
  std::int64_t number = 0;
  std::string key = {};
  bool is_phrase = false;  ///< of kText: the last word is whole, too, and not the beginning of one
};

struct SearchNode {
  enum class Kind : std::uint8_t { kAll, kAny, kNot, kTerm };
  Kind kind = Kind::kAll;
  std::vector<SearchNode> parts;  ///< of kAll and kAny; one of kNot
  SearchTerm term;                ///< of kTerm
};

/// Nothing in it: every issue.
using Search = SearchNode;

}  // namespace trapline::collector
