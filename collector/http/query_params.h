#pragma once

/// The API's query parameters as the store's questions. Errors: "invalid_parameter", naming the parameter, its value
/// and what it takes. Unknown parameters are ignored.

#include <optional>
#include <string>
#include <string_view>

#include "collector/http/export.h"
#include "collector/http/reply.h"
#include "collector/storage/store.h"

namespace trapline::collector {

/// All but `query`, which search_parser.h reads.
Result<IssueQuery> read_issue_query(const HttpRequest& request);
Result<EventQuery> read_event_query(const HttpRequest& request);

/// A decimal id in a path. Error: "not_found", as nothing can have another kind of id.
Result<std::int64_t> read_path_id(std::string_view text);

/// The parameters of a list of a project's items.
Result<ItemQuery> read_item_query(const HttpRequest& request, ProjectId project, ItemKind kind);

/// `project` alone; nothing when it is not given.
Result<std::optional<ProjectId>> read_project_param(const HttpRequest& request);

struct TimeRange {
  UnixMillis from = 0;
  UnixMillis to = 0;
};
/// `from` and `to`, with defaults for what is not given.
Result<TimeRange> read_time_range(const HttpRequest& request, TimeRange defaults);

/// What is exported, all but `query`; and how: NDJSON unless `format` says otherwise.
Result<ExportFilter> read_export_filter(const HttpRequest& request);
Result<ExportFormat> read_export_format(const HttpRequest& request);

/// A page of the ledger.
Result<LedgerQuery> read_ledger_query(const HttpRequest& request, ProjectId project, TimeRange defaults);

}  // namespace trapline::collector
