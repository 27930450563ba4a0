#pragma once

/// What clients tell beside events as the API shows it (openapi.json), without id and time of receipt.

#include <nlohmann/json_fwd.hpp>

#include "collector/storage/items.h"

namespace trapline::collector {

nlohmann::json fields_of(const SessionUpdate& session);
nlohmann::json fields_of(const SessionCounts& counts);
nlohmann::json fields_of(const UserReport& report);
nlohmann::json fields_of(const CheckIn& check_in);
nlohmann::json fields_of(const Transaction& transaction);
/// Without its bytes.
nlohmann::json fields_of(const Attachment& file);

}  // namespace trapline::collector
