#pragma once

/// The store's records as the API shows them (openapi.json).

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "collector/storage/event_json.h"
#include "collector/storage/ingest_settings.h"
#include "collector/storage/records.h"

namespace trapline::collector {

nlohmann::json to_json(const Issue& issue);
/// `public_url` is where clients reach the collector.
nlohmann::json to_json(const Project& project, const IngestSettings& settings, std::string_view public_url);
/// Without its secret.
nlohmann::json to_json(const ProjectKey& key, std::string_view public_url);
nlohmann::json to_json(const User& user);
nlohmann::json to_json(const IssueHash& hash);
nlohmann::json to_json(const HistoryEntry& entry);
nlohmann::json to_json(const QuarantinedEvent& event);
nlohmann::json to_json(const LedgerEntry& entry);

/// `{"items": […], "next_cursor": …}` around items that are JSON already.
std::string page_to_json(const std::vector<std::string>& items, std::string_view next_cursor);

/// "https://key@host/prefix/1" from "https://host/prefix"; with the secret when the key has one.
std::string make_dsn(std::string_view public_url, const Project& project);
std::string make_dsn(std::string_view public_url, const ProjectKey& key);

}  // namespace trapline::collector
