#include "collector/storage/search_keys.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "sdk/core/ascii.h"

namespace trapline::collector {
namespace {

/// Of shorter names too many are a letter away from a word that somebody calls a tag ("os" and "is").
constexpr std::size_t kShortestMeant = 6;
constexpr std::size_t kLongestCompared = 40;

/// Letters to change, leave out, add, or exchange with their neighbours to make one word of the other.
std::size_t distance(std::string_view one, std::string_view other) {
  std::vector<std::vector<std::size_t>> rows(one.size() + 1, std::vector<std::size_t>(other.size() + 1));
  for (std::size_t i = 0; i <= one.size(); ++i) {
    for (std::size_t j = 0; j <= other.size(); ++j) {
      if (i == 0 || j == 0) {
        rows[i][j] = i + j;
        continue;
      }
      const std::size_t change = rows[i - 1][j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1);
      rows[i][j] = std::min({change, rows[i - 1][j] + 1, rows[i][j - 1] + 1});
      const bool is_swap = i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
      if (is_swap) rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[one.size()][other.size()];
}

/// Whether the letters are the same, in another order.
bool is_shuffled(std::string one, std::string other) {
  std::sort(one.begin(), one.end());
  std::sort(other.begin(), other.end());
  return one == other;
}

bool is_meant(const std::string& written, const std::string& name) {
  if (written == name) return true;
  const std::size_t far = distance(written, name);
  if (name.size() < kShortestMeant) return name.size() > 3 && far == 1 && is_shuffled(written, name);
  return far <= (name.size() > kShortestMeant + 3 ? 2U : 1U);
}

}  // namespace

std::span<const SearchKey> search_keys() {
  static const std::vector<SearchKey> kKeys = {
      {SearchField::kStatus, SearchValues::kState, {"is"}, "unresolved, resolved, ignored, archived, (un)assigned"},
      {SearchField::kLevel, SearchValues::kLevel, {"level"}, "how bad: fatal, error, warning, info, debug"},
      {SearchField::kAssignee, SearchValues::kPerson, {"assigned", "assignee"}, "whose it is: an address, me, none"},
      {SearchField::kRelease, SearchValues::kRelease, {"release"}, "seen in a release"},
      {SearchField::kEnvironment, SearchValues::kText, {"environment", "env"}, "seen in an environment"},
      {SearchField::kPlatform, SearchValues::kText, {"platform"}, "of the newest event"},
      {SearchField::kTitle, SearchValues::kText, {"title"}, "of the issue"},
      {SearchField::kType, SearchValues::kText, {"type", "error.type"}, "the exception's type"},
      {SearchField::kValue, SearchValues::kText, {"value", "error.value", "message"}, "the exception's message"},
      {SearchField::kCulprit, SearchValues::kText, {"culprit"}, "the function or place to look at first"},
      {SearchField::kCount, SearchValues::kNumber, {"times_seen", "count"}, "how many events: >100"},
      {SearchField::kUserCount, SearchValues::kNumber, {"users", "user_count"}, "how many users: >=10"},
      {SearchField::kFirstSeen, SearchValues::kTime, {"firstSeen", "first_seen", "age"}, "-24h, +30d, >2026-01-31"},
      {SearchField::kLastSeen, SearchValues::kTime, {"lastSeen", "last_seen"}, "-24h, +30d, >2026-01-31"},
      {SearchField::kUser, SearchValues::kUser, {"user"}, "a user by any of the following", kAnyUserField},
      {SearchField::kUser, SearchValues::kUser, {"user.id"}, "a user's id", static_cast<int>(UserField::kId)},
      {SearchField::kUser,
       SearchValues::kUser,
       {"user.email"},
       "a user's address",
       static_cast<int>(UserField::kEmail)},
      {SearchField::kUser,
       SearchValues::kUser,
       {"user.username"},
       "a user's name",
       static_cast<int>(UserField::kUsername)},
      {SearchField::kUser,
       SearchValues::kUser,
       {"user.ip", "user.ip_address"},
       "a user's IP address",
       static_cast<int>(UserField::kIpAddress)},
      {SearchField::kText, SearchValues::kKey, {"has"}, "a key that is set, or a tag"},
  };
  return kKeys;
}

const SearchKey* find_search_key(std::string_view name) {
  for (const SearchKey& key : search_keys()) {
    if (std::find(key.names.begin(), key.names.end(), name) != key.names.end()) return &key;
  }
  return nullptr;
}

std::string_view nearest_search_key(std::string_view name) {
  if (name.size() > kLongestCompared) return {};
  const std::string written = core::to_lower(name);
  for (const SearchKey& key : search_keys()) {
    for (const std::string_view one : key.names) {
      if (is_meant(written, core::to_lower(one))) return one;
    }
  }
  return {};
}

bool is_of_search_key(char c) { return core::is_alnum(c) || c == '_' || c == '.' || c == '-'; }

}  // namespace trapline::collector
