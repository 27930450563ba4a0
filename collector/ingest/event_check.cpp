#include "collector/ingest/event_check.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>
#include <simdjson.h>

#include "collector/ingest/json_repair.h"
#include "sdk/core/bounded_json.h"
#include "sdk/core/event_id.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;

/// simdjson says that something is wrong, not where: the slow parser is asked for the place, only on this path.
std::string place_of_error(std::string_view json) {
  if (core::is_nested_deeper_than(json, core::kMostJsonLevels)) return "";
  try {
    const nlohmann::json ignored = nlohmann::json::parse(json);
    return "";
  } catch (const nlohmann::json::parse_error& error) {
    const std::size_t position = std::min<std::size_t>(error.byte > 0 ? error.byte - 1 : 0, json.size());
    const std::string_view before = json.substr(0, position);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return " at line " + std::to_string(line) + ", column " + std::to_string(position - line_start + 1);
  } catch (const nlohmann::json::exception&) {
    return "";
  }
}

std::string event_id_of(const simdjson::dom::object& event) {
  std::string_view id;
  if (event["event_id"].get_string().get(id) != simdjson::SUCCESS) return {};
  return core::normalise_event_id(id).value_or("");
}

/// Numbers that no number type holds, NaN and a byte order mark are found as one of the last three.
bool is_repairable(simdjson::error_code code) {
  constexpr std::array<simdjson::error_code, 6> kRepairable = {simdjson::UTF8_ERROR,      simdjson::STRING_ERROR,
                                                               simdjson::UNESCAPED_CHARS, simdjson::NUMBER_ERROR,
                                                               simdjson::TAPE_ERROR,      simdjson::N_ATOM_ERROR};
  return std::find(kRepairable.begin(), kRepairable.end(), code) != kRepairable.end();
}

Error refusal(simdjson::error_code code, std::string_view json) {
  if (code == simdjson::DEPTH_ERROR) {
    return {"invalid_json",
            "the event is nested deeper than " + std::to_string(simdjson::DEFAULT_MAX_DEPTH) + " levels"};
  }
  if (code == simdjson::EMPTY) return {"invalid_json", "the event is empty"};
  return {"invalid_json", "the event is not valid JSON" + place_of_error(json) + ": " + simdjson::error_message(code)};
}

}  // namespace

Result<CheckedEvent> check_event(std::string_view json, std::size_t max_bytes) {
  if (json.size() > max_bytes) {
    return Error{"event_too_large", "the event has " + std::to_string(json.size()) +
                                        " bytes, the limit for one event is " + std::to_string(max_bytes)};
  }
  thread_local simdjson::dom::parser parser;
  CheckedEvent checked;
  simdjson::dom::element root;
  // Room behind the text for the parser, which else would copy it once more.
  checked.json.reserve(json.size() + simdjson::SIMDJSON_PADDING);
  checked.json = json;
  simdjson::error_code code = parser.parse(checked.json).get(root);
  if (is_repairable(code)) {
    checked.json = repair_json(json);
    checked.is_as_sent = false;
    code = parser.parse(checked.json).get(root);
  }
  if (code != simdjson::SUCCESS) return refusal(code, checked.json);
  simdjson::dom::object event;
  if (root.get_object().get(event) != simdjson::SUCCESS) {
    return Error{"invalid_event", "an event is a JSON object, this is another kind of value"};
  }
  checked.event_id = event_id_of(event);
  return checked;
}

}  // namespace trapline::collector
