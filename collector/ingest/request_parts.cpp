#include "collector/ingest/request_parts.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "collector/ingest/batch_header.h"
#include "collector/ingest/content_coding.h"
#include "collector/ingest/csp_report.h"
#include "collector/ingest/envelope_parser.h"
#include "collector/ingest/event_check.h"
#include "collector/ingest/events_body.h"
#include "collector/ingest/item_reader.h"
#include "collector/ingest/minidump_upload.h"
#include "collector/ingest/store_body.h"
#include "sdk/core/event_id.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;
using core::Status;

/// A request's parts, split and checked one after the other.
class PartsReader {
 public:
  PartsReader(const IntakeLimits& limits, std::span<const std::uint32_t> as_sent)
      : limits_(limits), as_sent_(as_sent) {}

  void set_header(BatchHeader header) {
    header_ = std::move(header);
    read_.sent_at = header_.sent_at();
  }
  void set_sent_at(UnixMillis time) { read_.sent_at = time; }
  void set_event_id(const std::string& id) { read_.event_id = id; }
  [[nodiscard]] const std::string& event_id() const { return read_.event_id; }

  /// Takes the next part in as an event, or writes down why not. `id_override` wins over the payload's own.
  void add_event(std::string_view json, std::string_view id_override = {}) {
    const std::uint32_t index = next_index_++;
    const bool is_known = is_known_to_be_good(index);
    auto checked = is_known ? CheckedEvent{std::string(json), {}, true} : check_event(json, limits_.max_event_bytes);
    if (!checked) return reject(index, checked.error());
    RequestPart part;
    part.index = index;
    part.is_as_sent = checked->is_as_sent;
    part.event_id = !id_override.empty() ? std::string(id_override) : std::move(checked->event_id);
    // What was checked before was given its id then.
    if (part.event_id.empty() && !is_known) part.event_id = core::new_event_id();
    part.payload = header_.complete(std::move(checked->json));
    if (!has_event_) read_.event_id = part.event_id;
    has_event_ = true;
    read_.parts.push_back(std::move(part));
  }

  void add_item(ItemKind kind, const EnvelopeItem& item, const std::string& event_id) {
    if (kind == ItemKind::kAttachment) {
      return add_file({item.filename, item.content_type, item.attachment_type, item.payload}, event_id);
    }
    RequestPart part;
    part.kind = kind;
    part.index = next_index_++;
    part.event_id = event_id;
    auto checked = check_event(item.payload, limits_.max_event_bytes);
    if (!checked) return reject(part.index, checked.error());
    part.payload = std::move(checked->json);
    if (Status status = check_item(part); !status) return reject(part.index, status.error());
    read_.parts.push_back(std::move(part));
  }

  void add_file(const UploadedFile& file, const std::string& event_id) {
    RequestPart part;
    part.kind = ItemKind::kAttachment;
    part.index = next_index_++;
    part.event_id = event_id;
    const std::size_t limit = std::min(limits_.max_attachment_bytes, limits_.max_attachments_bytes - file_bytes_);
    if (file.bytes.size() > limit) {
      return reject(part.index, {"attachment_too_large",
                                 "the file has " + std::to_string(file.bytes.size()) + " bytes; one may have " +
                                     std::to_string(limits_.max_attachment_bytes) + ", and all of a request " +
                                     std::to_string(limits_.max_attachments_bytes)});
    }
    file_bytes_ += file.bytes.size();
    part.payload = file.bytes;
    part.filename = file.filename;
    part.content_type = file.content_type;
    part.attachment_type = file.attachment_type;
    read_.parts.push_back(std::move(part));
  }

  /// The batch's own words of its run, behind all events: theirs are the places that an answer names. `events` is how
  /// many it has, taken or not: all of them have come here.
  void add_run_counters(std::size_t events) {
    if (header_.run_counters().empty()) return;
    RequestPart part;
    part.kind = ItemKind::kRunCounters;
    part.index = next_index_++;
    part.payload = header_.run_counters();
    part.payload.insert(1, "\"events\":" + std::to_string(events) + ",");
    if (Status status = check_item(part); !status) return reject(part.index, status.error());
    part.event_id = header_.run_id();
    read_.parts.push_back(std::move(part));
  }

  /// Writes down why something is not taken that is no part: what stands behind a damaged item.
  void reject_rest(const Error& error) { reject(next_index_++, error); }

  void ignore(std::string_view counted_as, std::uint64_t count = 1) {
    next_index_ += static_cast<std::uint32_t>(count);
    read_.ignored_items[std::string(counted_as)] += count;
  }

  RequestParts take() { return std::move(read_); }

  /// What was read, or the first part's error when no part could be taken.
  Result<RequestParts> take_or_first_rejection() {
    if (read_.parts.empty() && !read_.rejected.empty()) {
      return Error{read_.rejected.front().code, read_.rejected.front().message};
    }
    return take();
  }

 private:
  bool is_known_to_be_good(std::uint32_t index) {
    while (!as_sent_.empty() && as_sent_.front() < index) as_sent_ = as_sent_.subspan(1);
    return !as_sent_.empty() && as_sent_.front() == index;
  }
  void reject(std::uint32_t index, const Error& error) { read_.rejected.push_back({index, error.code, error.message}); }

  const IntakeLimits& limits_;
  std::span<const std::uint32_t> as_sent_;
  std::size_t file_bytes_ = 0;
  BatchHeader header_;
  RequestParts read_;
  std::uint32_t next_index_ = 0;
  bool has_event_ = false;
};

Result<RequestParts> read_events(const RequestForm& form, std::string_view body, const IntakeLimits& limits,
                                 PartsReader& reader) {
  const auto format = events_format(form.content_type);
  if (!format) return format.error();
  const auto split = split_events(*format, body, limits.max_events);
  if (!split) return split.error();
  if (!split->batch_header.empty()) {
    auto header = BatchHeader::read(split->batch_header);
    if (!header) return header.error();
    reader.set_header(std::move(*header));
  }
  for (const std::string_view event : split->events) reader.add_event(event);
  reader.add_run_counters(split->events.size());
  // A body that is one event stands or falls with it; of a list, the others are taken.
  if (!split->is_batch) return reader.take_or_first_rejection();
  return reader.take();
}

Result<RequestParts> read_store(std::string_view body, const IntakeLimits& limits, PartsReader& reader) {
  // No more is inflated than may be taken: bombs cost what events cost.
  const auto decoded = decode_store_body(body, std::min(limits.max_inflated_bytes, limits.max_event_bytes));
  if (!decoded && decoded.error().code == "inflated_too_large") {
    return Error{"event_too_large",
                 "the event is longer than the limit of " + std::to_string(limits.max_event_bytes) + " bytes"};
  }
  if (!decoded) return decoded.error();
  reader.add_event(*decoded ? std::string_view(**decoded) : body);
  return reader.take_or_first_rejection();
}

Result<RequestParts> read_envelope(std::string_view body, PartsReader& reader) {
  const auto envelope = parse_envelope(body);
  if (!envelope) return envelope.error();
  // The header's id is the first event's: attachments beside it refer to it by that.
  const std::string envelope_id = envelope->header.event_id.value_or("");
  std::string id = envelope_id;
  reader.set_event_id(id);
  reader.set_sent_at(envelope->header.sent_at);
  for (const EnvelopeItem& item : envelope->items) {
    const ItemType type = item_type(item.type);
    if (!type.kept_as) {
      reader.ignore(type.counted_as);
    } else if (*type.kept_as == ItemKind::kEvent) {
      reader.add_event(item.payload, std::exchange(id, ""));
    } else {
      reader.add_item(*type.kept_as, item, envelope_id);
    }
  }
  if (envelope->damage) reader.reject_rest(*envelope->damage);
  RequestParts read;
  {
    auto taken = reader.take_or_first_rejection();
    if (!taken) return taken.error();
    read = std::move(*taken);
  }
  // Without an id in the header, attachments belong to the envelope's event.
  if (envelope_id.empty()) {
    for (RequestPart& part : read.parts) {
      if (part.kind == ItemKind::kAttachment) part.event_id = read.event_id;
    }
  }
  return read;
}

Result<RequestParts> read_security(const RequestForm& form, std::string_view body, PartsReader& reader) {
  const auto reports = read_browser_reports(body, form.environment, form.release);
  if (!reports) return reports.error();
  for (const std::string& event : reports->events) reader.add_event(event);
  if (reports->ignored > 0) reader.ignore("browser_report", reports->ignored);
  return reader.take_or_first_rejection();
}

Result<RequestParts> read_minidump(const RequestForm& form, std::string_view body, PartsReader& reader) {
  const auto upload = read_minidump_upload(form.content_type, body);
  if (!upload) return upload.error();
  reader.add_event(upload->event, upload->event_id);
  const std::string id = reader.event_id();
  if (!id.empty()) {
    for (const UploadedFile& file : upload->files) reader.add_file(file, id);
  }
  return reader.take_or_first_rejection();
}

}  // namespace

Result<RequestParts> read_decoded_parts(const RequestForm& form, std::string_view body, const IntakeLimits& limits,
                                        std::span<const std::uint32_t> as_sent) {
  PartsReader reader(limits, as_sent);
  switch (form.door) {
    case Door::kEvents:
      return read_events(form, body, limits, reader);
    case Door::kStore:
      return read_store(body, limits, reader);
    case Door::kSecurity:
      return read_security(form, body, reader);
    case Door::kMinidump:
      return read_minidump(form, body, reader);
    case Door::kEnvelope:
      break;
  }
  return read_envelope(body, reader);
}

Result<RequestParts> read_parts(const RequestForm& form, std::string_view body, const IntakeLimits& limits,
                                std::span<const std::uint32_t> as_sent) {
  const auto decoded = decode_content(form.content_encoding, body, limits.max_inflated_bytes);
  if (!decoded) return decoded.error();
  return read_decoded_parts(form, *decoded ? std::string_view(**decoded) : body, limits, as_sent);
}

}  // namespace trapline::collector
