#pragma once

#include <string>

#include "collector/digest/event_reader.h"

namespace trapline::collector {

/// The group key of an event: 32 hex digits. In this order: what the client asked for (with "{{ default }}" standing
/// for ours); the chain of exceptions, each by type and in-app frames, or by its value without variable parts when it
/// has no frames; the message, likewise. Line numbers, addresses, folders and the shown title play no part. This is
/// version 1 of the algorithm: a change to what it answers is a new version beside it, since stored issues are found by
/// it.
std::string fingerprint_of(const ReadEvent& event);

}  // namespace trapline::collector
