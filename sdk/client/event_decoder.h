#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/core/event.h"
#include "sdk/recorder/event_record.h"
#include "sdk/recorder/fields.h"

namespace trapline::sdk {

/// An attachment to be sent beside the event.
struct DecodedAttachment {
  std::string_view name;
  std::string_view path;  ///< empty: the bytes
  std::string_view bytes;
  std::string_view type = {};  ///< as the protocol calls it; empty: a plain one
};

/// An event as it was found in a recorder. Borrows from the record, and owns what had to be made.
struct DecodedEvent {
  core::Event event;
  std::string event_id;
  bool is_held = false;
  std::vector<DecodedAttachment> attachments;
  std::deque<std::string> owned;
};

/// 32 hex digits.
std::string to_text(const EventIdBytes& id);

/// Whether a text is JSON that an event can carry: well-formed, not nested without end. `begin` is the bracket it must
/// begin with, 0 for any.
bool is_usable_json(std::string_view text, char begin);

/// The same JSON without line breaks: on the wire an event is a line.
std::string on_one_line(std::string json);

/// Reads the payload of an event's record. False when it is none: nothing of it may be used then.
bool decode_event(std::string_view payload, DecodedEvent& decoded);

}  // namespace trapline::sdk
