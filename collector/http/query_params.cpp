#include "collector/http/query_params.h"

#include <charconv>
#include <optional>
#include <utility>

#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

constexpr std::int64_t kMostRows = 100;
constexpr std::string_view kStatusWords = "unresolved, resolved, ignored or archived";
constexpr std::string_view kLevels = "fatal, error, warning, info or debug";

Error invalid(std::string_view name, std::string_view value, std::string_view takes) {
  return {"invalid_parameter", "the parameter '" + std::string(name) + "' takes " + std::string(takes) + ", not '" +
                                   std::string(value.substr(0, 80)) + "'"};
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Reads parameters one after another; the first error is kept and ends the reading.
class ParamReader {
 public:
  explicit ParamReader(const HttpRequest& request) : request_(request) {}

  /// Calls `parse` with the parameter's value, when it is given, and keeps what it answers.
  template <class T, class Parse>
  void read(const std::string& name, std::string_view takes, Parse parse, T& target) {
    const std::string_view value = request_.query_value(name);
    if (value.empty() || error_) return;
    auto parsed = parse(value);
    if (parsed) {
      target = *std::move(parsed);
    } else {
      error_ = invalid(name, value, takes);
    }
  }

  void read_id(const std::string& name, std::optional<std::int64_t>& target) {
    read(name, "a decimal number", parse_number, target);
  }
  void read_time(const std::string& name, std::optional<UnixMillis>& target) {
    read(name, "a time such as 2026-11-21T09:30:00Z", core::parse_timestamp, target);
  }
  void read_text(const std::string& name, std::string& target) { target = request_.query_value(name); }
  void read_limit(std::size_t& target) {
    const auto parse = [](std::string_view text) -> std::optional<std::size_t> {
      const auto number = parse_number(text);
      if (!number || *number < 1 || *number > kMostRows) return std::nullopt;
      return static_cast<std::size_t>(*number);
    };
    read("limit", "a number from 1 to 100", parse, target);
  }

  template <class Query>
  Result<Query> finish(Query query) {
    if (error_) return *std::move(error_);
    return query;
  }

 private:
  const HttpRequest& request_;
  std::optional<Error> error_;
};

std::optional<IssueSort> parse_sort(std::string_view word) {
  if (word == "last_seen") return IssueSort::kLastSeen;
  if (word == "first_seen") return IssueSort::kFirstSeen;
  if (word == "count") return IssueSort::kCount;
  if (word == "user_count") return IssueSort::kUserCount;
  return std::nullopt;
}

std::optional<bool> parse_bool(std::string_view word) {
  if (word == "true") return true;
  if (word == "false") return false;
  return std::nullopt;
}

}  // namespace

Result<IssueQuery> read_issue_query(const HttpRequest& request) {
  IssueQuery query;
  ParamReader params(request);
  params.read_id("project", query.project_id);
  params.read("status", kStatusWords, parse_issue_status, query.status);
  params.read("level", kLevels, parse_level, query.level);
  params.read("sort", "last_seen, first_seen, count or user_count", parse_sort, query.sort);
  params.read_time("from", query.from);
  params.read_time("to", query.to);
  params.read_limit(query.limit);
  params.read_text("environment", query.environment);
  params.read_text("release", query.release);
  params.read_text("cursor", query.cursor);
  return params.finish(std::move(query));
}

Result<EventQuery> read_event_query(const HttpRequest& request) {
  EventQuery query;
  ParamReader params(request);
  params.read_id("project", query.project_id);
  params.read_id("issue", query.issue_id);
  params.read_time("from", query.from);
  params.read_time("to", query.to);
  params.read("payload", "true or false", parse_bool, query.with_payload);
  params.read_limit(query.limit);
  params.read_text("cursor", query.cursor);
  return params.finish(std::move(query));
}

Result<ExportFilter> read_export_filter(const HttpRequest& request) {
  ExportFilter filter;
  ParamReader params(request);
  params.read_id("project", filter.project_id);
  params.read_id("issue", filter.issue_id);
  params.read("status", kStatusWords, parse_issue_status, filter.status);
  params.read("level", kLevels, parse_level, filter.level);
  params.read_time("from", filter.from);
  params.read_time("to", filter.to);
  params.read_text("environment", filter.environment);
  params.read_text("release", filter.release);
  return params.finish(std::move(filter));
}

Result<ExportFormat> read_export_format(const HttpRequest& request) {
  ExportFormat format = ExportFormat::kNdjson;
  ParamReader params(request);
  params.read("format", "ndjson or csv", parse_export_format, format);
  return params.finish(format);
}

Result<ItemQuery> read_item_query(const HttpRequest& request, ProjectId project, ItemKind kind) {
  ItemQuery query;
  query.project_id = project;
  query.kind = kind;
  ParamReader params(request);
  params.read_limit(query.limit);
  params.read_text("cursor", query.cursor);
  return params.finish(std::move(query));
}

Result<std::optional<ProjectId>> read_project_param(const HttpRequest& request) {
  std::optional<ProjectId> project;
  ParamReader params(request);
  params.read_id("project", project);
  return params.finish(project);
}

Result<std::int64_t> read_path_id(std::string_view text) {
  const auto number = parse_number(text);
  if (!number || *number <= 0) return Error{"not_found", "'" + std::string(text.substr(0, 80)) + "' is not an id"};
  return *number;
}

Result<TimeRange> read_time_range(const HttpRequest& request, TimeRange defaults) {
  std::optional<UnixMillis> from;
  std::optional<UnixMillis> to;
  ParamReader params(request);
  params.read_time("from", from);
  params.read_time("to", to);
  return params.finish(TimeRange{from.value_or(defaults.from), to.value_or(defaults.to)});
}

Result<LedgerQuery> read_ledger_query(const HttpRequest& request, ProjectId project, TimeRange defaults) {
  const auto range = read_time_range(request, defaults);
  if (!range) return range.error();
  LedgerQuery query{.project_id = project, .from = range->from, .to = range->to};
  ParamReader params(request);
  params.read_limit(query.limit);
  params.read_text("cursor", query.cursor);
  return params.finish(std::move(query));
}

}  // namespace trapline::collector
