#include "collector/http/export_format.h"

#include <algorithm>
#include <span>

#include <nlohmann/json.hpp>

#include "collector/http/api_json.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

struct EventRow {
  const StoredEvent& stored;
  const DigestedEvent& event;
  std::string_view project;
};

struct IssueRow {
  const Issue& issue;
  std::string_view project;
};

template <class Row>
struct Column {
  std::string_view name;
  std::string (*text)(const Row&);
};

constexpr Column<EventRow> kEventColumns[] = {
    {"event_id", [](const EventRow& row) { return row.event.event_id; }},
    {"project_id", [](const EventRow& row) { return std::to_string(row.event.project_id); }},
    {"project", [](const EventRow& row) { return std::string(row.project); }},
    {"issue_id", [](const EventRow& row) { return std::to_string(row.stored.issue_id); }},
    {"received_at", [](const EventRow& row) { return core::format_timestamp(row.event.received_at); }},
    {"timestamp", [](const EventRow& row) { return core::format_timestamp(row.event.timestamp); }},
    {"level", [](const EventRow& row) { return std::string(to_word(row.event.level)); }},
    {"title", [](const EventRow& row) { return row.event.title; }},
    {"type", [](const EventRow& row) { return row.event.type; }},
    {"value", [](const EventRow& row) { return row.event.value; }},
    {"culprit", [](const EventRow& row) { return row.event.culprit; }},
    {"release", [](const EventRow& row) { return row.event.release; }},
    {"environment", [](const EventRow& row) { return row.event.environment; }},
    {"platform", [](const EventRow& row) { return row.event.platform; }},
    {"user", [](const EventRow& row) { return row.event.user; }},
    {"server_name", [](const EventRow& row) { return row.event.server_name; }},
    {"transaction", [](const EventRow& row) { return row.event.transaction; }},
};

constexpr Column<IssueRow> kIssueColumns[] = {
    {"id", [](const IssueRow& row) { return std::to_string(row.issue.id); }},
    {"project_id", [](const IssueRow& row) { return std::to_string(row.issue.project_id); }},
    {"project", [](const IssueRow& row) { return std::string(row.project); }},
    {"title", [](const IssueRow& row) { return row.issue.title; }},
    {"type", [](const IssueRow& row) { return row.issue.type; }},
    {"value", [](const IssueRow& row) { return row.issue.value; }},
    {"culprit", [](const IssueRow& row) { return row.issue.culprit; }},
    {"platform", [](const IssueRow& row) { return row.issue.platform; }},
    {"level", [](const IssueRow& row) { return std::string(to_word(row.issue.level)); }},
    {"status", [](const IssueRow& row) { return std::string(to_word(row.issue.status)); }},
    {"assignee", [](const IssueRow& row) { return row.issue.assignee; }},
    {"count", [](const IssueRow& row) { return std::to_string(row.issue.count); }},
    {"stored_count", [](const IssueRow& row) { return std::to_string(row.issue.stored_count); }},
    {"user_count", [](const IssueRow& row) { return std::to_string(row.issue.user_count); }},
    {"first_seen", [](const IssueRow& row) { return core::format_timestamp(row.issue.first_seen); }},
    {"last_seen", [](const IssueRow& row) { return core::format_timestamp(row.issue.last_seen); }},
    {"first_release", [](const IssueRow& row) { return row.issue.first_release; }},
    {"last_release", [](const IssueRow& row) { return row.issue.last_release; }},
};

template <class Row>
std::string csv_header(std::span<const Column<Row>> columns) {
  std::string line;
  for (const Column<Row>& column : columns) {
    if (!line.empty()) line += ',';
    line += column.name;
  }
  return line + "\r\n";
}

template <class Row>
std::string csv_line(std::span<const Column<Row>> columns, const Row& row) {
  std::string line;
  for (const Column<Row>& column : columns) {
    if (&column != columns.data()) line += ',';
    line += csv_cell(column.text(row));
  }
  return line + "\r\n";
}

/// A payload is stored as it was sent, which may be on several lines: in JSON a line end is never but a blank between
/// two words.
std::string json_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text + '\n';
}

}  // namespace

std::optional<ExportFormat> parse_export_format(std::string_view word) {
  for (const ExportFormat format : {ExportFormat::kNdjson, ExportFormat::kCsv}) {
    if (word == to_word(format)) return format;
  }
  return std::nullopt;
}

std::string_view to_word(ExportFormat format) { return format == ExportFormat::kCsv ? "csv" : "ndjson"; }

std::string_view media_type(ExportFormat format) {
  return format == ExportFormat::kCsv ? "text/csv; charset=utf-8" : "application/x-ndjson";
}

std::string event_header(ExportFormat format) {
  return format == ExportFormat::kCsv ? csv_header<EventRow>(kEventColumns) : std::string();
}

std::string issue_header(ExportFormat format) {
  return format == ExportFormat::kCsv ? csv_header<IssueRow>(kIssueColumns) : std::string();
}

std::string event_line(ExportFormat format, const StoredEvent& event, std::string_view project) {
  if (format == ExportFormat::kCsv) return csv_line<EventRow>(kEventColumns, {event, event.event, project});
  return json_line(event_to_json(event, true, false));
}

std::string issue_line(ExportFormat format, const Issue& issue, std::string_view project) {
  if (format == ExportFormat::kCsv) return csv_line<IssueRow>(kIssueColumns, {issue, project});
  return json_line(to_json(issue).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string csv_cell(std::string_view text) {
  constexpr std::string_view kBeginsFormula = "=+-@\t\r";
  constexpr std::string_view kNeedsQuotes = "\",\r\n";
  std::string cell;
  if (!text.empty() && kBeginsFormula.find(text.front()) != std::string_view::npos) cell += '\'';
  if (text.find_first_of(kNeedsQuotes) == std::string_view::npos) return cell.append(text);
  cell.insert(cell.begin(), '"');
  for (const char c : text) {
    if (c == '"') cell += '"';
    cell += c;
  }
  return cell + '"';
}

}  // namespace trapline::collector
