#pragma once

#include <string>

#include "sdk/core/event.h"

namespace trapline::core {

/// The event as the public Sentry event payload (https://develop.sentry.dev/sdk/data-model/event-payloads/), on one
/// line.
std::string to_json(const Event& event, const ProcessFacts& facts);

/// The debug id of a build id: its first 16 bytes as a UUID whose first three fields are little-endian, as the public
/// symbol servers have it. Empty for a build id of fewer bytes.
std::string debug_id_of(const std::string& build_id);

}  // namespace trapline::core
