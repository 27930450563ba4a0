#pragma once

/// Understands an event's JSON in every form that published clients send: exceptions as an object, a list or
/// {"values"}, tags as an object or pairs, timestamps as numbers or text, nulls anywhere. What is missing or makes no
/// sense gets a default; an event is never refused here.

#include <string>
#include <string_view>
#include <vector>

#include "collector/digest/event_source.h"
#include "collector/storage/records.h"

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
  std::vector<std::string_view> client_fingerprint;
  std::string_view message_template;  ///< the message before its parameters were filled in; empty: it had none
};

/// Reads the event and moves its payload into the record, with the spool's event id in it. The views live until the
/// next call on the same thread. Any thread.
ReadEvent read_event(SpooledEvent event);

}  // namespace trapline::collector
