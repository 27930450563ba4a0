#pragma once

#include <string>
#include <vector>

#include "collector/storage/records.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// EventStore's questions about what can be searched by, on one connection.
std::vector<std::string> complete_search(Connection& connection, const CompletionQuery& query);
std::vector<IssueTag> list_issue_tags(Connection& connection, IssueId issue);

}  // namespace trapline::collector::sql
