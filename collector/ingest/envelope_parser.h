#pragma once

/// The framing of Sentry envelopes (https://develop.sentry.dev/sdk/data-model/envelopes/): a line of JSON, then items,
/// each a line of JSON and a payload, whose length is given or runs to the end of the line.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/core/clock.h"
#include "sdk/core/result.h"

namespace trapline::collector {

struct EnvelopeHeader {
  std::optional<std::string> event_id;  ///< 32 lower-case hex digits; what is not an id counts as none
  std::string dsn;                      ///< empty when there is none
  core::UnixMillis sent_at = 0;         ///< by the sender's clock; 0: it does not say
};

struct EnvelopeItem {
  std::string type;      ///< as sent; empty when the header has none
  std::string filename;  ///< the next three of attachments
  std::string content_type;
  std::string attachment_type;
  std::string_view payload;  ///< inside the parsed body
};

struct Envelope {
  EnvelopeHeader header;
  std::vector<EnvelopeItem> items;
  std::optional<core::Error> damage;  ///< what ended the reading before the end; the items are those before it
};

/// Reads the first line only. Errors: "invalid_envelope".
core::Result<EnvelopeHeader> parse_envelope_header(std::string_view body);

/// Reads the whole envelope. Items of any type are handed out, in order; payloads are not looked at. An item that is
/// malformed ends it, as nobody knows where the next one begins: "invalid_envelope", naming the item and its byte
/// position, as the envelope's damage. Errors: the same when the first line is malformed.
core::Result<Envelope> parse_envelope(std::string_view body);

}  // namespace trapline::collector
