#pragma once

#include <string>
#include <vector>

#include "sdk/core/event.h"

namespace trapline::core {

/// The event as the public Sentry event payload (https://develop.sentry.dev/sdk/data-model/event-payloads/), on one
/// line. Without the modules: they are the same for many events (debug_meta_json()). `extra`, `contexts` and
/// breadcrumbs' data must be JSON: it is not looked at.
std::string to_json(const Event& event, const ProcessFacts& facts);

/// The modules as an event's `debug_meta` object.
std::string debug_meta_json(const std::vector<Module>& modules);

/// The debug id of a build id: its first 16 bytes as a UUID whose first three fields are little-endian, as the public
/// symbol servers have it. Empty for a build id of fewer bytes.
std::string debug_id_of(const std::string& build_id, ModuleFormat format = ModuleFormat::kElf);

}  // namespace trapline::core
