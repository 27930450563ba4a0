#include "collector/ingest/csp_report.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "sdk/core/bounded_json.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;

/// A browser sends what gathered in a minute; more is not from one.
constexpr std::size_t kMostReports = 100;

std::string text_of(const nlohmann::json& object, std::string_view dashed, std::string_view humped) {
  for (const std::string_view name : {dashed, humped}) {
    const auto found = object.find(std::string(name));
    if (found != object.end() && found->is_string()) return found->get<std::string>();
  }
  return {};
}

/// "https://cdn.example/x.js?y" -> "https://cdn.example": one group for each place that content came from, not for each
/// file. Words such as "inline", "eval" and "data" stay as they are.
std::string origin_of(std::string_view uri) {
  const std::size_t scheme_end = uri.find("://");
  if (scheme_end == std::string_view::npos) return std::string(uri.substr(0, uri.find(':')));
  return std::string(uri.substr(0, uri.find('/', scheme_end + 3)));
}

/// "script-src 'self' …" -> "script-src": old browsers repeat the whole directive.
std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

nlohmann::json common(std::string_view logger, const std::string& url, std::string_view environment,
                      std::string_view release) {
  nlohmann::json event = {{"platform", "javascript"}, {"logger", logger}, {"level", "error"}};
  if (!url.empty()) event["request"] = {{"url", url}};
  if (!environment.empty()) event["environment"] = environment;
  if (!release.empty()) event["release"] = release;
  return event;
}

nlohmann::json csp_event(const nlohmann::json& report, std::string_view environment, std::string_view release) {
  nlohmann::json event = common("csp", text_of(report, "document-uri", "documentURL"), environment, release);
  std::string directive = text_of(report, "effective-directive", "effectiveDirective");
  if (directive.empty()) directive = text_of(report, "violated-directive", "violatedDirective");
  directive = first_word(directive);
  std::string blocked = origin_of(text_of(report, "blocked-uri", "blockedURL"));
  if (blocked.empty()) blocked = "inline";
  event["message"] = "Blocked '" + directive + "' from '" + blocked + "'";
  event["culprit"] = directive;
  event["fingerprint"] = {"csp", directive, blocked};
  event["tags"] = {{"effective-directive", directive}, {"blocked-uri", blocked}};
  if (text_of(report, "disposition", "disposition") == "report") event["level"] = "warning";
  event["csp"] = report;
  return event;
}

nlohmann::json other_event(std::string_view type, const nlohmann::json& report, const std::string& url,
                           std::string_view environment, std::string_view release) {
  nlohmann::json event = common("browser", url, environment, release);
  const std::string reason = text_of(report, "reason", "message");
  event["message"] = std::string(type) + (reason.empty() ? "" : ": " + reason);
  event["fingerprint"] = {"browser-report", type, reason};
  if (type == "crash") event["level"] = "fatal";
  event["extra"] = {{"report", report}};
  return event;
}

/// Breaches of a policy and crashes; deprecations, interventions and network errors are no faults of the page.
bool is_fault(std::string_view type) {
  constexpr std::array<std::string_view, 6> kFaults = {
      "crash", "coep", "coop", "document-policy-violation", "permissions-policy-violation", "integrity-violation"};
  return std::find(kFaults.begin(), kFaults.end(), type) != kFaults.end();
}

std::string to_text(const nlohmann::json& event) {
  return event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void read_one(const nlohmann::json& report, std::string_view environment, std::string_view release,
              ReportEvents& into) {
  const auto body = report.find("body");
  const bool is_report = body != report.end() && body->is_object();
  const std::string type = text_of(report, "type", "type");
  if (is_report && type == "csp-violation") {
    nlohmann::json event = csp_event(*body, environment, release);
    const std::string agent = text_of(report, "user_agent", "userAgent");
    if (!agent.empty()) event["request"]["headers"] = {{"User-Agent", agent}};
    into.events.push_back(to_text(event));
  } else if (is_report && is_fault(type)) {
    into.events.push_back(to_text(other_event(type, *body, text_of(report, "url", "url"), environment, release)));
  } else {
    ++into.ignored;
  }
}

}  // namespace

Result<ReportEvents> read_browser_reports(std::string_view body, std::string_view environment,
                                          std::string_view release) {
  const nlohmann::json root = core::parse_bounded_json(body);
  if (root.is_discarded())
    return Error{"invalid_json", "the report is not valid JSON, or nested deeper than 100 levels"};
  ReportEvents read;
  if (root.is_object() && root.contains("csp-report") && root["csp-report"].is_object()) {
    read.events.push_back(to_text(csp_event(root["csp-report"], environment, release)));
    return read;
  }
  if (root.is_object() && root.contains("type") && root.contains("body")) {
    read_one(root, environment, release, read);
    return read;
  }
  if (!root.is_array()) {
    return Error{"invalid_event",
                 "a report is {\"csp-report\": {...}} or a list of {\"type\", \"body\", ...}, this is neither"};
  }
  if (root.size() > kMostReports) {
    return Error{"too_many_events", "one request may carry " + std::to_string(kMostReports) + " reports"};
  }
  for (const nlohmann::json& report : root) {
    if (report.is_object()) {
      read_one(report, environment, release, read);
    } else {
      ++read.ignored;
    }
  }
  return read;
}

}  // namespace trapline::collector
