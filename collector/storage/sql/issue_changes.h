#pragma once

/// What people do to issues, on the writing connection, each in a transaction of its own. Throws Refusal for what
/// cannot be done.

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/records.h"
#include "collector/storage/sql/connection.h"
#include "collector/storage/sql/payload_dictionaries.h"

namespace trapline::collector::sql {

/// Becomes the Error of that code at the engine's door.
class Refusal : public std::runtime_error {
 public:
  Refusal(std::string code, const std::string& message) : std::runtime_error(message), code_(std::move(code)) {}
  [[nodiscard]] const std::string& code() const { return code_; }

 private:
  std::string code_;
};

void set_issue_state(Connection& connection, IssueId id, const IssueState& state, std::string_view actor);
void assign_issue(Connection& connection, IssueId id, std::string_view assignee, std::string_view actor,
                  UnixMillis now);
void merge_issues(Connection& connection, IssueId into, std::span<const IssueId> others, std::string_view actor,
                  UnixMillis now);
IssueId unmerge_hashes(Connection& connection, PayloadDictionaries& dictionaries, IssueId from,
                       std::span<const std::int64_t> hashes, std::string_view actor, UnixMillis now);
std::vector<IssueChange> end_due_ignores(Connection& connection, UnixMillis now);

/// Inside the caller's transaction: counts an issue anew from its hashes; shows of it what its newest event says.
void recount(Connection& connection, IssueId id);
void retitle(Connection& connection, PayloadDictionaries& dictionaries, IssueId id);

std::vector<IssueHash> list_hashes(Connection& connection, IssueId id);
std::vector<HistoryEntry> list_history(Connection& connection, IssueId id);
std::string newest_release(Connection& connection, ProjectId project);

}  // namespace trapline::collector::sql
