#pragma once

/// Understands an event's JSON in every form that published clients send: exceptions as an object, a list or
/// {"values"}, tags as an object or pairs, timestamps as numbers or text, nulls anywhere. What is missing or makes no
/// sense gets a default, what is too large is cut (trim.h), what clients leave to the server is filled in (the sender's
/// address and browser), a clock that was hours off when the event was sent is corrected; where that changes what the
/// client said, `_meta` tells. An event is never refused here, and
/// what is not known is kept as it is.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/digest/event_source.h"
#include "collector/storage/records.h"
#include "sdk/core/json_outline.h"

namespace trapline::collector {

/// One call of a stack. Views into the parsed event; empty where the client said nothing.
struct EventFrame {
  std::string_view function;
  std::string_view module;        ///< a language's module or package ("shop.payment")
  std::string_view filename;      ///< source file, as the client has it
  std::string_view package;       ///< the library or program that a native frame belongs to
  std::string_view context_line;  ///< the source line
  bool is_in_app = false;
};

struct EventException {
  std::string_view type;
  std::string_view value;
  bool is_synthetic = false;       ///< made by the client only to carry a stack
  std::vector<EventFrame> frames;  ///< oldest call first, as on the wire
};

/// An event as digestion sees it. `record` lacks its fingerprint.
struct ReadEvent {
  DigestedEvent record;
  std::vector<EventException> exceptions;  ///< oldest cause first, the outermost last, as on the wire
  std::vector<EventFrame> message_frames;  ///< the stack that a message was sent with
  std::vector<std::string> client_fingerprint;
  std::string_view url;               ///< of the request
  std::string_view message_template;  ///< the message before its parameters were filled in; empty: it had none
};

/// A client counts repeats of one error into one event. A million is more than an honest one gathers before it sends,
/// and bounds what one forged event does to an issue's count.
constexpr std::int64_t kMostOccurrences = 1'000'000;

struct ReadOptions {
  /// Whether addresses of people may be stored. If not, "{{auto}}" counts its user by the address and stores "[ip]".
  bool keeps_ip_addresses = true;
  /// The event without what is private. It is read in place of the payload, which then only tells the user apart: by
  /// the id, address or name it had, or, for "{{auto}}", the address it came from.
  std::optional<std::string> scrubbed;
  core::JsonOutline outline;  ///< of the payload, found out by scrubbing
};

/// Reads the event; what is to be stored of its payload is in the record, with the spool's event id in it. The views
/// live until the next call on the same thread. Any thread. Throws std::exception when the payload is no JSON object.
ReadEvent read_event(const SpooledEvent& event, ReadOptions options = {});

}  // namespace trapline::collector
