#pragma once

#include <string>

#include "collector/storage/records.h"

namespace trapline::collector {

/// An event as text, since its payload goes in as the bytes that are stored. `with_neighbours` adds the events before
/// and after it in its issue.
std::string event_to_json(const StoredEvent& stored, bool with_payload, bool with_neighbours);

}  // namespace trapline::collector
