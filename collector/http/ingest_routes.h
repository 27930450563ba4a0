#pragma once

#include <optional>

#include "collector/http/reply.h"
#include "collector/ingest/intake.h"

namespace trapline::collector {

/// The door a path leads to, with the project id in the path. A final slash makes no difference, and a path may stand
/// before /api/, as in the DSN of a collector behind a proxy.
struct DoorPath {
  Door door = Door::kEvents;
  std::string_view project;
};
std::optional<DoorPath> find_door(std::string_view path);

/// Answers a POST at a door. Every answer may be read by pages of any origin, errors too: without that, browser SDKs
/// see a network failure instead of the status.
HttpReply take_in(Intake& intake, const DoorPath& door, const HttpRequest& request);

/// Answers a browser's preflight (OPTIONS) at a door.
HttpReply answer_preflight(const HttpRequest& request);

/// The answer to any other method at a door.
HttpReply refuse_method();

/// Lets pages of any origin read the answer.
void allow_any_origin(HttpReply& reply);

/// The answer to a body that is over the limit, decided while it was still being read.
HttpReply refuse_large_body(std::size_t max_bytes);

/// Counts a request at a door that is refused before its body is read, for the project it names.
void count_refused(Intake& intake, const DoorPath& door, const HttpRequest& request, std::string_view reason);

}  // namespace trapline::collector
