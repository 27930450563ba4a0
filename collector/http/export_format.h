#pragma once

/// How exported issues and events are written: a line each.
///
/// NDJSON (application/x-ndjson): each line is the object that the API shows (openapi.json: Event with its payload,
/// Issue).
///
/// CSV (RFC 4180, UTF-8, with a line of names first, lines end in CR LF): what fits into cells. A cell is quoted when
/// it has to be. One that a spreadsheet would take for a formula, as it begins with = + - @, a tab or a carriage
/// return, gets an apostrophe before it: what is in events was written by strangers, and a formula can send a sheet's
/// contents away. Who reads the file with a program removes that apostrophe, or takes NDJSON.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/storage/records.h"

namespace trapline::collector {

enum class ExportFormat : std::uint8_t { kNdjson, kCsv };

/// "ndjson" or "csv", which are the endings of files, too.
std::optional<ExportFormat> parse_export_format(std::string_view word);
std::string_view to_word(ExportFormat format);
std::string_view media_type(ExportFormat format);

/// What stands before the first line: the names of the columns, or nothing.
std::string event_header(ExportFormat format);
std::string issue_header(ExportFormat format);

/// One line, with its end. `project` is the project's name.
std::string event_line(ExportFormat format, const StoredEvent& event, std::string_view project);
std::string issue_line(ExportFormat format, const Issue& issue, std::string_view project);

/// A cell of a CSV file, as it is written.
std::string csv_cell(std::string_view text);

}  // namespace trapline::collector
