#pragma once

/// What becomes of an issue by itself: the rules by which a resolved one comes back and an ignored one is shown again.
/// The same for every engine.

#include <functional>
#include <optional>
#include <string_view>

#include "collector/storage/records.h"

namespace trapline::collector {

/// Kinds of history entries.
constexpr std::string_view kHistoryNew = "new";
constexpr std::string_view kHistoryRegressed = "regressed";
constexpr std::string_view kHistoryUnignored = "unignored";
constexpr std::string_view kHistoryStatus = "status";
constexpr std::string_view kHistoryAssigned = "assigned";
constexpr std::string_view kHistoryMerged = "merged";
constexpr std::string_view kHistoryUnmerged = "unmerged";

/// When an event that says it happened at `timestamp` did, by the collector's clock. What comes within minutes of its
/// time was sent at once by a clock that goes a little wrong: then the receipt tells better. What is older lay in a
/// buffer.
UnixMillis time_of_occurrence(UnixMillis timestamp, UnixMillis received_at);

/// Whether an event of that release (empty: none) and time (by time_of_occurrence()) brings a resolved issue back. In a
/// release before the fix the fault is known: that is no regression. `first_seen_of` tells when a release was first
/// seen, for those whose names do not tell their order; nothing for one that never was.
bool brings_back(const IssueState& state, std::string_view release, UnixMillis event_time,
                 const std::function<std::optional<UnixMillis>(std::string_view)>& first_seen_of);

/// Whether an ignored issue with these counts has been ignored long enough.
bool ends_ignoring(const IssueState& state, std::int64_t count, std::int64_t user_count, UnixMillis now);

/// "resolved in 1.2", "ignored until 2026-…": the state as a JSON object for the history.
std::string describe_state(const IssueState& state);

}  // namespace trapline::collector
