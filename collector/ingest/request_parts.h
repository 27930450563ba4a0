#pragma once

/// What a request to one of the doors holds: events and other items. Pure: the same bytes always give the same parts,
/// which is what lets the spool keep a request as it was sent and take it apart again later.

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/ingest/item_types.h"
#include "collector/storage/items.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// Over which a request, or an event in it, is refused. Sizes in bytes; rates of 0 are no limit.
struct IntakeLimits {
  std::size_t max_body_bytes = std::size_t{20} << 20;         ///< as sent
  std::size_t max_inflated_bytes = std::size_t{100} << 20;    ///< after decompression; inflating stops there
  std::size_t max_event_bytes = std::size_t{1} << 20;         ///< one event's JSON, or another item's that is JSON
  std::size_t max_events = 1000;                              ///< in one request to /v1/events
  std::size_t max_attachment_bytes = std::size_t{20} << 20;   ///< of one file, a minidump too
  std::size_t max_attachments_bytes = std::size_t{50} << 20;  ///< of all files of a request
  std::int64_t attachment_bytes_per_hour = 1LL << 30;         ///< of a project
  std::int64_t requests_per_second = 0;                       ///< of all senders together
  std::int64_t requests_per_minute_and_ip = 0;                ///< of one address; of version 6, of one /64
};

enum class Door : std::uint8_t {
  kEvents = 0,    ///< POST /v1/events
  kEnvelope = 1,  ///< POST /api/<project>/envelope/
  kStore = 2,     ///< POST /api/<project>/store/
  kSecurity = 3,  ///< POST /api/<project>/security/: reports of browsers
  kMinidump = 4,  ///< POST /api/<project>/minidump/: uploads of crash handlers
};

/// How a body is to be read. The numbers of the doors stand in the spool's records.
struct RequestForm {
  Door door = Door::kEvents;
  std::string content_type;
  std::string content_encoding;
  std::string environment;  ///< ?sentry_environment=, of the security door
  std::string release;      ///< ?sentry_release=, of the security door
};

/// An event or another item that may be kept.
struct RequestPart {
  ItemKind kind = ItemKind::kEvent;
  std::uint32_t index = 0;  ///< position in the request, from 0, refused and ignored parts counted
  std::string event_id;     ///< of an event its own, of an attachment the one it belongs to, of counters the run's
  bool is_as_sent = false;  ///< an event that was checked and stands in the request as JSON that needed no repair
  std::string payload;
  std::string filename;  ///< the last three of attachments only
  std::string content_type;
  std::string attachment_type;
};

/// One event or item of the request that was not taken.
struct RejectedEvent {
  std::size_t index = 0;  ///< position in the request, from 0
  std::string code;
  std::string message;
};

struct RequestParts {
  std::vector<RequestPart> parts;
  std::vector<RejectedEvent> rejected;
  std::map<std::string, std::uint64_t> ignored_items;  ///< by the name their type is counted by
  std::string event_id;                                ///< what the answer names; empty: nothing
  UnixMillis sent_at = 0;                              ///< when it was sent, by the sender's clock; 0: it does not say
};

/// Undoes the Content-Encoding and, at the store door, base64. An event without an id gets one that is made up here, so
/// the ids must be kept beside the bytes. Errors: those of the parsers, when nothing of the request can be taken.
/// The events of the request that have the indexes `as_sent`, ascending, are not checked again.
core::Result<RequestParts> read_parts(const RequestForm& form, std::string_view body, const IntakeLimits& limits,
                                      std::span<const std::uint32_t> as_sent = {});

/// The same for a body whose Content-Encoding is undone already.
core::Result<RequestParts> read_decoded_parts(const RequestForm& form, std::string_view body,
                                              const IntakeLimits& limits, std::span<const std::uint32_t> as_sent = {});

}  // namespace trapline::collector
