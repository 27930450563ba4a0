#include "collector/ingest/envelope_parser.h"

#include <cstdint>

#include <simdjson.h>

#include "sdk/core/ascii.h"
#include "sdk/core/event_id.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;

/// More items than any client sends; a body of empty items must not become a huge list.
constexpr std::size_t kMostItems = 10'000;

Error invalid_envelope(std::string what) {
  return {"invalid_envelope", "the envelope is malformed: " + std::move(what)};
}

/// The line that begins at `start`, without its end; a carriage return before the newline is tolerated.
std::string_view line_at(std::string_view body, std::size_t start) {
  std::string_view line = body.substr(start, body.find('\n', start) - start);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// The offset of what follows the line that begins at `start`.
std::size_t after_line(std::string_view body, std::size_t start) {
  const std::size_t newline = body.find('\n', start);
  return newline == std::string_view::npos ? body.size() : newline + 1;
}

/// Parses one header line; the element lives until the next call on this thread.
std::optional<simdjson::dom::object> parse_header_line(std::string_view line) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(line.data(), line.size()).get_object().get(object) != simdjson::SUCCESS) return std::nullopt;
  return object;
}

std::string string_field(const simdjson::dom::object& object, std::string_view key) {
  std::string_view text;
  if (object[key].get_string().get(text) != simdjson::SUCCESS) return {};
  return std::string(text);
}

EnvelopeHeader read_header(const simdjson::dom::object& object) {
  EnvelopeHeader header;
  header.event_id = core::normalise_event_id(string_field(object, "event_id"));
  header.dsn = string_field(object, "dsn");
  header.sent_at = core::parse_timestamp(string_field(object, "sent_at")).value_or(0);
  return header;
}

/// The item header's `length`: nothing when it is absent or null.
Result<std::optional<std::uint64_t>> read_length(const simdjson::dom::object& object) {
  simdjson::dom::element length;
  if (object["length"].get(length) != simdjson::SUCCESS || length.is_null()) return std::optional<std::uint64_t>{};
  std::uint64_t number = 0;
  if (length.get_uint64().get(number) != simdjson::SUCCESS) return invalid_envelope("its length is not a whole number");
  return std::optional<std::uint64_t>{number};
}

/// Reads one item after another; remembers where it is for error messages.
class ItemReader {
 public:
  ItemReader(std::string_view body, std::size_t position) : body_(body), position_(position) {}

  /// False at the end of the envelope.
  Result<bool> read(EnvelopeItem& item) {
    skip_empty_lines();
    if (position_ >= body_.size()) return false;
    const std::size_t header_position = position_;
    const std::string place = "item " + std::to_string(index_) + " at byte " + std::to_string(header_position);
    ++index_;
    const auto header = parse_header_line(line_at(body_, position_));
    if (!header) return invalid_envelope(place + " does not begin with a line that is a JSON object");
    item.type = string_field(*header, "type");
    if (item.type == "attachment") {
      item.filename = string_field(*header, "filename");
      item.content_type = string_field(*header, "content_type");
      item.attachment_type = string_field(*header, "attachment_type");
    }
    const auto length = read_length(*header);
    if (!length) return invalid_envelope(place + ": its length is not a whole number");
    position_ = after_line(body_, position_);
    if (!*length) {
      item.payload = body_.substr(position_, body_.find('\n', position_) - position_);
      position_ = after_line(body_, position_);
      return true;
    }
    return read_payload(**length, place, item);
  }

 private:
  // Blank lines stand only behind the last item; between items a client never sends them, and they mean nothing.
  void skip_empty_lines() {
    while (position_ < body_.size() && (body_[position_] == '\n' || body_[position_] == '\r')) ++position_;
  }

  Result<bool> read_payload(std::uint64_t length, const std::string& place, EnvelopeItem& item) {
    const std::size_t rest = body_.size() - position_;
    if (length > rest) {
      return invalid_envelope(place + " says its payload has " + std::to_string(length) + " bytes, but only " +
                              std::to_string(rest) + " follow");
    }
    item.payload = body_.substr(position_, length);
    position_ += length;
    if (position_ < body_.size() && body_[position_] != '\n' && body_[position_] != '\r') {
      return invalid_envelope(place + ": no newline follows its payload of " + std::to_string(length) + " bytes");
    }
    return true;
  }

  std::string_view body_;
  std::size_t position_;
  std::size_t index_ = 0;
};

}  // namespace

Result<EnvelopeHeader> parse_envelope_header(std::string_view body) {
  const std::string_view line = line_at(body, core::byte_order_mark_length(body));
  if (line.empty())
    return invalid_envelope("it is empty or begins with an empty line, its first line must be a JSON object");
  const auto object = parse_header_line(line);
  if (!object) return invalid_envelope("its first line is not a JSON object");
  return read_header(*object);
}

Result<Envelope> parse_envelope(std::string_view body) {
  auto header = parse_envelope_header(body);
  if (!header) return header.error();
  Envelope envelope;
  envelope.header = std::move(*header);
  ItemReader reader(body, after_line(body, 0));
  while (true) {
    EnvelopeItem item;
    const auto has_item = reader.read(item);
    if (!has_item) envelope.damage = has_item.error();
    if (!has_item || !*has_item) return envelope;
    if (envelope.items.size() == kMostItems) {
      envelope.damage = invalid_envelope("it has more than " + std::to_string(kMostItems) + " items");
      return envelope;
    }
    envelope.items.push_back(std::move(item));
  }
}

}  // namespace trapline::collector
