#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collector/storage/store.h"

namespace trapline::collector {

/// What PATCH /api/v1/issues/{id} asks for.
struct IssueChangeRequest {
  std::optional<IssueState> state;
  std::optional<std::string> assignee;
};

/// Reads the body for an issue as it is now; `newest_release` is the project's (for "in_next_release"). Relative
/// thresholds ("100 events more") become absolute here. Errors: "invalid_parameter", naming what is wrong. What belongs
/// to one status is refused with another: an issue cannot be ignored and resolved at once.
Result<IssueChangeRequest> read_issue_change(std::string_view text, const Issue& issue, std::string_view newest_release,
                                             UnixMillis now);

}  // namespace trapline::collector
