#include "collector/ingest/intake.h"

#include <charconv>
#include <optional>
#include <utility>

#include "collector/ingest/auth.h"
#include "collector/ingest/batch_header.h"
#include "collector/ingest/content_coding.h"
#include "collector/ingest/envelope_parser.h"
#include "collector/ingest/event_check.h"
#include "collector/ingest/events_body.h"
#include "collector/ingest/item_types.h"
#include "collector/ingest/store_body.h"
#include "sdk/core/event_id.h"

namespace trapline::collector {
namespace {

constexpr int kRetryAfterStorageSeconds = 5;

struct StatusOfCode {
  std::string_view code;
  int http_status;
};

/// Every error code of this room and the HTTP status it is answered with; any other is the sender's mistake, 400.
constexpr StatusOfCode kStatuses[] = {
    {"missing_key", 401},
    {"malformed_key", 401},
    {"unknown_key", 401},
    {"wrong_project_key", 401},
    {"unknown_project", 404},
    {"body_too_large", 413},
    {"inflated_too_large", 413},
    {"event_too_large", 413},
    {"too_many_events", 413},
    {"unsupported_content_type", 415},
    {"storage", 503},
    {"out_of_memory", 503},
};

IntakeRefusal refusal_of(const Error& error) {
  IntakeRefusal refusal;
  refusal.code = error.code;
  refusal.message = error.message;
  for (const StatusOfCode& entry : kStatuses) {
    if (entry.code == error.code) refusal.http_status = entry.http_status;
  }
  if (refusal.http_status == 503) refusal.retry_after_seconds = kRetryAfterStorageSeconds;
  return refusal;
}

std::optional<ProjectId> parse_project_id(std::string_view text) {
  ProjectId id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size() || id <= 0) return std::nullopt;
  return id;
}

/// The key of the envelope header's dsn; empty when it has none.
Result<std::string> key_inside_envelope(std::string_view body) {
  const auto header = parse_envelope_header(body);
  if (!header) return header.error();
  if (header->dsn.empty()) return std::string();
  return key_of_dsn(header->dsn);
}

Error unknown_project(std::string_view id) {
  return {"unknown_project",
          "there is no project " + std::string(id.substr(0, 40)) + " here: is the DSN of another server?"};
}

}  // namespace

/// The events of one request, split and checked.
struct Intake::Batch {
  std::vector<SpooledEvent> events;
  std::vector<RejectedEvent> rejected;
  std::map<std::string, std::uint64_t> ignored_items;
  std::string event_id;  ///< what the answer names; empty: nothing
  BatchHeader header;    ///< what the events have in common

  /// Takes the next event in, or writes down why not. `id_override` wins over the payload's own.
  void add(std::string_view json, std::size_t max_bytes, std::string_view id_override = {}) {
    const std::size_t index = events.size() + rejected.size();
    auto checked = check_event(json, max_bytes);
    if (!checked) {
      rejected.push_back({index, checked.error().code, checked.error().message});
      return;
    }
    SpooledEvent event;
    event.event_id = !id_override.empty() ? std::string(id_override) : std::move(checked->event_id);
    if (event.event_id.empty()) event.event_id = core::new_event_id();
    event.payload = header.complete(std::move(checked->json));
    if (events.empty()) event_id = event.event_id;
    events.push_back(std::move(event));
  }

  /// This batch, or the first event's error when no event could be taken.
  Result<Batch> or_first_rejection() {
    if (events.empty() && !rejected.empty()) return Error{rejected.front().code, rejected.front().message};
    return std::move(*this);
  }
};

Intake::Intake(Store& store, Spool& spool, IntakeLimits limits, const core::Clock& clock)
    : store_(store), spool_(spool), keys_(store, clock), limits_(limits), clock_(clock) {}

std::variant<IntakeReceipt, IntakeRefusal> Intake::take(const IntakeRequest& request) {
  auto receipt = take_in(request);
  if (receipt) return std::move(*receipt);
  count_rejected(receipt.error().code);
  return refusal_of(receipt.error());
}

Result<IntakeReceipt> Intake::take_in(const IntakeRequest& request) {
  if (request.body.size() > limits_.max_body_bytes) {
    return Error{"body_too_large", "the body has " + std::to_string(request.body.size()) + " bytes, the limit is " +
                                       std::to_string(limits_.max_body_bytes)};
  }
  // A key in the headers is checked before any work is spent on the body; only an envelope may carry it inside.
  auto key = find_key({request.x_sentry_auth, request.query_key, request.authorization});
  if (!key) return key.error();
  std::optional<ProjectId> project;
  if (*key || request.door != Door::kEnvelope) {
    auto found = project_for(request, key->value_or(""));
    if (!found) return found.error();
    project = *found;
  }
  const auto decoded = decode_content(request.content_encoding, request.body, limits_.max_inflated_bytes);
  if (!decoded) return decoded.error();
  const std::string_view body = *decoded ? std::string_view(**decoded) : request.body;
  if (request.door == Door::kEnvelope) {
    const auto inner_key = key_inside_envelope(body);
    if (!inner_key) return inner_key.error();
    if (*key && !inner_key->empty() && **key != *inner_key) {
      return Error{"wrong_project_key", "the key in the request's headers and the one in the envelope's dsn differ"};
    }
    if (!project) {
      auto found = project_for(request, *inner_key);
      if (!found) return found.error();
      project = *found;
    }
  }
  auto batch = read_batch(request, body);
  if (!batch) return batch.error();
  return spool_batch(*project, std::move(*batch));
}

/// The project that the request is for, when the key (empty: there is none) opens it.
Result<ProjectId> Intake::project_for(const IntakeRequest& request, std::string_view key) {
  if (key.empty()) {
    return Error{"missing_key",
                 "the request carries no key: send the DSN's public key as X-Sentry-Auth: Sentry "
                 "sentry_key=<key>, as ?sentry_key=<key>, or as Authorization: Trapline <key>"};
  }
  const bool has_path_project = request.door != Door::kEvents;
  const auto path_project = parse_project_id(request.path_project);
  if (has_path_project) {
    if (!path_project) return unknown_project(request.path_project);
    const auto is_known = keys_.has_project(*path_project);
    if (!is_known) return is_known.error();
    if (!*is_known) return unknown_project(request.path_project);
  }
  const auto project = keys_.project_of(key);
  if (!project) return project.error();
  if (!*project)
    return Error{"unknown_key", "no project has this key: has it been revoked, or is it another server's?"};
  if (has_path_project && **project != *path_project) {
    return Error{"wrong_project_key", "this key belongs to another project than " + std::to_string(*path_project)};
  }
  return **project;
}

Result<Intake::Batch> Intake::read_batch(const IntakeRequest& request, std::string_view body) const {
  switch (request.door) {
    case Door::kEvents:
      return read_events(request, body);
    case Door::kStore:
      return read_store(body);
    case Door::kEnvelope:
      break;
  }
  return read_envelope(body);
}

Result<Intake::Batch> Intake::read_events(const IntakeRequest& request, std::string_view body) const {
  const auto format = events_format(request.content_type);
  if (!format) return format.error();
  const auto split = split_events(*format, body, limits_.max_events);
  if (!split) return split.error();
  Batch batch;
  if (!split->batch_header.empty()) {
    auto header = BatchHeader::read(split->batch_header);
    if (!header) return header.error();
    batch.header = std::move(*header);
  }
  for (const std::string_view event : split->events) batch.add(event, limits_.max_event_bytes);
  // A body that is one event stands or falls with it; of a list, the others are taken.
  if (!split->is_batch) return batch.or_first_rejection();
  return batch;
}

Result<Intake::Batch> Intake::read_store(std::string_view body) const {
  const auto decoded = decode_store_body(body, limits_.max_inflated_bytes);
  if (!decoded) return decoded.error();
  Batch batch;
  batch.add(*decoded ? std::string_view(**decoded) : body, limits_.max_event_bytes);
  return batch.or_first_rejection();
}

Result<Intake::Batch> Intake::read_envelope(std::string_view body) const {
  const auto envelope = parse_envelope(body);
  if (!envelope) return envelope.error();
  Batch batch;
  // The header's id is the first event's: attachments beside it refer to it by that.
  std::string id = envelope->header.event_id.value_or("");
  batch.event_id = id;
  for (const EnvelopeItem& item : envelope->items) {
    const ItemType type = item_type(item.type);
    if (type.handling == ItemHandling::kDigest) {
      batch.add(item.payload, limits_.max_event_bytes, std::exchange(id, ""));
    } else {
      ++batch.ignored_items[std::string(type.counted_as)];
    }
  }
  return batch.or_first_rejection();
}

Result<IntakeReceipt> Intake::spool_batch(ProjectId project, Batch batch) {
  IntakeReceipt receipt;
  receipt.event_id = std::move(batch.event_id);
  receipt.rejected = std::move(batch.rejected);
  std::vector<SpooledEvent> fresh;
  const UnixMillis now = clock_.unix_millis();
  for (SpooledEvent& event : batch.events) {
    const auto is_stored = store_.has_event(project, event.event_id);
    if (!is_stored) return is_stored.error();
    if (*is_stored) {
      ++receipt.duplicates;
      continue;
    }
    event.project_id = project;
    event.received_at = now;
    fresh.push_back(std::move(event));
  }
  if (!fresh.empty()) {
    const auto appended = spool_.append(std::move(fresh));
    if (!appended) return appended.error();
    receipt.accepted = appended->stored;
    receipt.duplicates += appended->duplicates;
  }
  const std::lock_guard lock(counts_mutex_);
  ++counts_.requests;
  counts_.accepted += receipt.accepted;
  counts_.duplicates += receipt.duplicates;
  for (const RejectedEvent& rejected : receipt.rejected) ++counts_.rejected[rejected.code];
  for (const auto& [type, count] : batch.ignored_items) counts_.ignored_items[type] += count;
  return receipt;
}

void Intake::count_rejected(std::string_view reason) {
  const std::lock_guard lock(counts_mutex_);
  ++counts_.rejected[std::string(reason)];
}

IntakeCounts Intake::counts() const {
  const std::lock_guard lock(counts_mutex_);
  return counts_;
}

}  // namespace trapline::collector
