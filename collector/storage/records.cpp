#include "collector/storage/records.h"

#include <span>

namespace trapline::collector {
namespace {

template <class T>
struct Word {
  T value;
  std::string_view word;
};

constexpr std::array<Word<Level>, 5> kLevels{{{Level::kDebug, "debug"},
                                              {Level::kInfo, "info"},
                                              {Level::kWarning, "warning"},
                                              {Level::kError, "error"},
                                              {Level::kFatal, "fatal"}}};
/// What clients write for the same levels.
constexpr std::array<Word<Level>, 3> kLevelSynonyms{
    {{Level::kInfo, "log"}, {Level::kWarning, "warn"}, {Level::kFatal, "critical"}}};
constexpr std::array<Word<IssueStatus>, 4> kStatuses{{{IssueStatus::kUnresolved, "unresolved"},
                                                      {IssueStatus::kResolved, "resolved"},
                                                      {IssueStatus::kIgnored, "ignored"},
                                                      {IssueStatus::kArchived, "archived"}}};
constexpr std::array<Word<Role>, 4> kRoles{
    {{Role::kViewer, "viewer"}, {Role::kMember, "member"}, {Role::kAdmin, "admin"}, {Role::kOwner, "owner"}}};
constexpr std::array<Word<TokenScope>, 3> kScopes{
    {{TokenScope::kRead, "read"}, {TokenScope::kWrite, "write"}, {TokenScope::kAdmin, "admin"}}};

template <class T>
std::string_view find_word(std::span<const Word<T>> words, T value) {
  for (const Word<T>& entry : words) {
    if (entry.value == value) return entry.word;
  }
  return {};
}

template <class T>
std::optional<T> find_value(std::span<const Word<T>> words, std::string_view word) {
  for (const Word<T>& entry : words) {
    if (entry.word == word) return entry.value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_word(Level level) { return find_word<Level>(kLevels, level); }
std::string_view to_word(IssueStatus status) { return find_word<IssueStatus>(kStatuses, status); }
std::string_view to_word(Role role) { return find_word<Role>(kRoles, role); }
std::string_view to_word(TokenScope scope) { return find_word<TokenScope>(kScopes, scope); }

std::optional<Level> parse_level(std::string_view word) {
  if (const auto level = find_value<Level>(kLevels, word)) return level;
  return find_value<Level>(kLevelSynonyms, word);
}
std::optional<IssueStatus> parse_issue_status(std::string_view word) {
  return find_value<IssueStatus>(kStatuses, word);
}
std::optional<Role> parse_role(std::string_view word) { return find_value<Role>(kRoles, word); }
std::optional<TokenScope> parse_token_scope(std::string_view word) { return find_value<TokenScope>(kScopes, word); }

}  // namespace trapline::collector
