#pragma once

/// The store's records as the JSON of openapi.json.

#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "collector/storage/records.h"

namespace trapline::collector {

nlohmann::json to_json_value(const Issue& issue);
nlohmann::json to_json_value(const User& user);

/// `dsn` is where the project's events go.
nlohmann::json to_json_value(const Project& project, const std::string& dsn);

/// The text of one event. Its payload is JSON already and goes in as it is: parsing it only to print it again would be
/// most of the answer's cost. An empty payload is left out.
std::string event_json(const StoredEvent& event);

/// The same with its neighbours in the issue.
std::string event_json_with_neighbours(const StoredEvent& event);

/// {"items":[…],"next_cursor":…}; `items` are JSON texts.
std::string page_json(std::span<const std::string> items, const std::string& next_cursor);

/// JSON text, with U+FFFD for bytes that are not UTF-8.
std::string to_text(const nlohmann::json& value);

}  // namespace trapline::collector
