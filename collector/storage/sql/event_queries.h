#pragma once

#include <optional>
#include <string_view>

#include "collector/storage/records.h"
#include "collector/storage/sql/connection.h"
#include "collector/storage/sql/payload_dictionaries.h"

namespace trapline::collector::sql {

/// The event half of EventStore's questions, on one connection.
bool has_event(Connection& connection, ProjectId project, std::string_view event_id);
Page<StoredEvent> find_events(Connection& connection, PayloadDictionaries& dictionaries, const EventQuery& query);
std::optional<StoredEvent> find_event(Connection& connection, PayloadDictionaries& dictionaries, ProjectId project,
                                      std::string_view event_id);

/// The event of a row of id, project_id, event_id, the id, data and summary. Throws what unpack_event() and
/// Sealer::open() throw.
StoredEvent read_event(Connection& connection, PayloadDictionaries& dictionaries, const Statement& row,
                       bool with_payload);

}  // namespace trapline::collector::sql
