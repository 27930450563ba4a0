#include "collector/ingest/intake.h"

#include <charconv>
#include <optional>
#include <span>
#include <unordered_set>
#include <utility>

#include "collector/ingest/auth.h"
#include "collector/ingest/content_coding.h"
#include "collector/ingest/envelope_parser.h"
#include "sdk/core/random.h"

namespace trapline::collector {
namespace {

constexpr int kRetryAfterStorageSeconds = 5;
constexpr std::size_t kRememberedIds = 100'000;
constexpr std::size_t kItemIdBytes = 16;
/// Headers are kept with the events: longer ones tell nothing more.
constexpr std::size_t kLongestHeader = 500;

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
    {"spool_full", 503},
    {"disk_full", 503},
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

std::string cut(std::string_view header) { return std::string(header.substr(0, kLongestHeader)); }

KeySources key_sources(const IntakeRequest& request) {
  return {request.x_sentry_auth, request.query_key, request.authorization, request.query_client};
}

RequestForm form_of(const IntakeRequest& request) {
  RequestForm form;
  form.door = request.door;
  form.content_type = cut(request.content_type);
  form.content_encoding = cut(request.content_encoding);
  form.environment = cut(request.environment);
  form.release = cut(request.release);
  return form;
}

Error unknown_project(std::string_view id) {
  return {"unknown_project",
          "there is no project " + std::string(id.substr(0, 40)) + " here: is the DSN of another server?"};
}

}  // namespace

Intake::Intake(Store& store, Spool& spool, IntakeLimits limits, const core::Clock& clock)
    : spool_(spool), keys_(store, clock), recent_ids_(kRememberedIds), limits_(limits), clock_(clock) {}

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
  auto key = find_key(key_sources(request));
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
  RequestForm form = form_of(request);
  auto parts = read_decoded_parts(form, body, limits_);
  if (!parts) return parts.error();
  return spool_parts(*project, request, std::move(form), std::move(*parts));
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

Result<IntakeReceipt> Intake::spool_parts(ProjectId project, const IntakeRequest& request, RequestForm form,
                                          RequestParts parts) {
  IntakeReceipt receipt;
  receipt.event_id = std::move(parts.event_id);
  receipt.rejected = std::move(parts.rejected);
  SpooledRequest spooled;
  std::unordered_set<std::string> ids;  // of this request
  std::uint64_t items = 0;
  for (RequestPart& part : parts.parts) {
    if (part.kind != ItemKind::kEvent) {
      ++items;
    } else if (recent_ids_.contains(project, part.event_id) || !ids.insert(part.event_id).second) {
      ++receipt.duplicates;
      continue;
    }
    spooled.parts.push_back(std::move(part));
  }
  receipt.accepted = ids.size();
  if (!spooled.parts.empty()) {
    spooled.form = std::move(form);
    spooled.project_id = project;
    spooled.received_at = clock_.unix_millis();
    spooled.item_id_base.resize(kItemIdBytes);
    core::fill_random(std::as_writable_bytes(std::span(spooled.item_id_base)));
    spooled.client_ip = request.client_ip;
    spooled.user_agent = request.user_agent;
    spooled.client = client_of(key_sources(request));
    const Status appended = spool_.append(std::move(spooled), request.body);
    if (!appended) return appended.error();
    for (const std::string& id : ids) recent_ids_.add(project, id);
  }
  const std::lock_guard lock(counts_mutex_);
  ++counts_.requests;
  counts_.accepted += receipt.accepted;
  counts_.accepted_items += items;
  counts_.duplicates += receipt.duplicates;
  for (const RejectedEvent& rejected : receipt.rejected) ++counts_.rejected[rejected.code];
  for (const auto& [type, count] : parts.ignored_items) counts_.ignored_items[type] += count;
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
