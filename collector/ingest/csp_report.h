#pragma once

/// Reports that browsers send by themselves: violations of a page's Content Security Policy and other breaches of its
/// policies. Both published shapes: `report-uri`, {"csp-report": {…}} with names of dashes, and `report-to` (the
/// Reporting API), a list of {"type", "url", "user_agent", "body": {…}} with names of humps.

#include <string>
#include <string_view>
#include <vector>

#include "sdk/core/result.h"

namespace trapline::collector {

struct ReportEvents {
  std::vector<std::string> events;  ///< each the JSON of an event made from one report
  std::size_t ignored = 0;          ///< reports of kinds that tell of no fault, such as deprecations
};

/// Makes events of a body; `environment` and `release`, from the request's query, go into each. Errors:
/// "invalid_json"; "invalid_event" when it is JSON of neither shape; "too_many_events".
core::Result<ReportEvents> read_browser_reports(std::string_view body, std::string_view environment,
                                                std::string_view release);

}  // namespace trapline::collector
