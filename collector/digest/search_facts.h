#pragma once

#include <string_view>

#include "collector/digest/event_reader.h"
#include "collector/digest/json_fields.h"

namespace trapline::collector {

/// Puts into the record what an event is searched by (DigestedEvent::context_tags and what follows it): tags of the
/// contexts that users ask for, what it says of its user, and its texts: at most 64 of 2 KB and 8 KB together, those of
/// breadcrumbs the newest first. `message` is the event's, `client_ip` what "{{auto}}" stands for (empty: nothing).
/// Comes when the rest of the record is known.
void read_search_facts(const EventMembers& event, ReadEvent& read, std::string_view message,
                       std::string_view client_ip);

/// Adds a context as a tag, its name with the version, unless the event has a tag of that key.
void add_context_tag(DigestedEvent& record, std::string_view key, std::string_view name, std::string_view version);

}  // namespace trapline::collector
