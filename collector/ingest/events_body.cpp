#include "collector/ingest/events_body.h"

#include <algorithm>
#include <string>

#include "collector/ingest/batch_header.h"
#include "sdk/core/ascii.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;

constexpr std::string_view kJsonBlanks = " \t\r\n";

Error too_many(std::size_t max_events) {
  return {"too_many_events", "one request may carry " + std::to_string(max_events) + " events, this one has more"};
}

Error broken_array(std::size_t position, std::string_view what) {
  return {"invalid_json",
          "the array of events is broken at byte " + std::to_string(position) + ": " + std::string(what)};
}

/// The end of the JSON value that begins at `start`: the first comma or closing bracket that belongs to the array
/// around it. Only strings and brackets are understood; the value itself is checked when it is read as an event.
std::size_t end_of_value(std::string_view body, std::size_t start) {
  std::size_t depth = 0;
  bool is_in_string = false;
  for (std::size_t position = start; position < body.size(); ++position) {
    const char character = body[position];
    if (is_in_string) {
      if (character == '\\') ++position;
      if (character == '"') is_in_string = false;
      continue;
    }
    if (character == '"') is_in_string = true;
    if (depth == 0 && (character == ',' || character == ']')) return position;
    if (character == '{' || character == '[') ++depth;
    if ((character == '}' || character == ']') && depth > 0) --depth;
  }
  return body.size();
}

Result<SplitEvents> split_array(std::string_view body, std::size_t max_events) {
  SplitEvents split;
  std::size_t position = body.find('[') + 1;
  const auto skip_blanks = [&] { position = std::min(body.find_first_not_of(kJsonBlanks, position), body.size()); };
  skip_blanks();
  const bool is_empty = position < body.size() && body[position] == ']';
  while (!is_empty) {
    const std::size_t end = end_of_value(body, position);
    const std::string_view event = core::trim(body.substr(position, end - position), kJsonBlanks);
    if (end == body.size()) return broken_array(end, "it ends without its closing bracket");
    if (event.empty()) return broken_array(position, "an event is missing");
    if (split.events.size() == max_events) return too_many(max_events);
    split.events.push_back(event);
    position = end;
    if (body[end] == ']') break;
    ++position;
    skip_blanks();
  }
  ++position;
  skip_blanks();
  if (position < body.size()) return broken_array(position, "text follows its closing bracket");
  return split;
}

Result<SplitEvents> split_lines(std::string_view body, std::size_t max_events) {
  SplitEvents split;
  while (!body.empty()) {
    const std::size_t newline = body.find('\n');
    const std::string_view line = core::trim(body.substr(0, newline), kJsonBlanks);
    body.remove_prefix(newline == std::string_view::npos ? body.size() : newline + 1);
    if (line.empty()) continue;
    if (split.events.empty() && split.batch_header.empty() && is_batch_header(line)) {
      split.batch_header = line;
      continue;
    }
    if (split.events.size() == max_events) return too_many(max_events);
    split.events.push_back(line);
  }
  return split;
}

}  // namespace

Result<EventsFormat> events_format(std::string_view content_type) {
  const std::string type = core::to_lower(core::trim(content_type.substr(0, content_type.find(';')), kJsonBlanks));
  if (type.empty() || type == "application/json") return EventsFormat::kJson;
  if (type == "application/x-ndjson" || type == "application/ndjson") return EventsFormat::kNdjson;
  return Error{"unsupported_content_type",
               "Content-Type '" + type.substr(0, 80) +
                   "' is not supported here: send application/json for an event or an array of "
                   "events, application/x-ndjson for one event a line"};
}

Result<SplitEvents> split_events(EventsFormat format, std::string_view body, std::size_t max_events) {
  body.remove_prefix(core::byte_order_mark_length(body));
  if (format == EventsFormat::kNdjson) return split_lines(body, max_events);
  const std::string_view trimmed = core::trim(body, kJsonBlanks);
  if (trimmed.empty()) return Error{"invalid_json", "the body is empty, it must be an event or an array of events"};
  if (trimmed.front() == '[') return split_array(body, max_events);
  return SplitEvents{{trimmed}, {}, false};
}

}  // namespace trapline::collector
