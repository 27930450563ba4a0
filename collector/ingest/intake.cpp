#include "collector/ingest/intake.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <unordered_set>
#include <utility>

#include "collector/ingest/auth.h"
#include "collector/ingest/content_coding.h"
#include "collector/ingest/envelope_parser.h"

namespace trapline::collector {
namespace {

constexpr int kRetryAfterStorageSeconds = 5;
constexpr std::size_t kRememberedIds = 50'000;
/// What inflates to more than this is large: at most so many are read at the same time.
constexpr std::size_t kSmallInflatedBytes = std::size_t{4} << 20;
constexpr std::ptrdiff_t kLargeBodiesAtOnce = 2;
constexpr std::chrono::seconds kLargeBodyPatience{5};
constexpr int kRetryAfterBusySeconds = 5;
constexpr int kRetryAfterFullDiskSeconds = 60;
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
    {"missing_signature", 401},
    {"malformed_signature", 401},
    {"wrong_signature", 401},
    {"expired_signature", 401},
    {"replayed_signature", 401},
    {"disabled_key", 403},
    {"ip_not_allowed", 403},
    {"origin_not_allowed", 403},
    {"unknown_project", 404},
    {"body_too_large", 413},
    {"inflated_too_large", 413},
    {"event_too_large", 413},
    {"too_many_events", 413},
    {"unsupported_content_type", 415},
    {"project_rate_limited", 429},
    {"key_rate_limited", 429},
    {"ip_rate_limited", 429},
    {"instance_rate_limited", 429},
    {"busy", 503},
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
  if (error.code == "disk_full") refusal.retry_after_seconds = kRetryAfterFullDiskSeconds;
  return refusal;
}

std::optional<ProjectId> parse_project_id(std::string_view text) {
  ProjectId id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size() || id <= 0) return std::nullopt;
  return id;
}

/// The key of the envelope header's dsn; empty when it has none. One that is unusable matters only to who has no other.
Result<std::string> key_inside_envelope(std::string_view body, bool has_other) {
  const auto header = parse_envelope_header(body);
  if (!header) return header.error();
  if (header->dsn.empty()) return std::string();
  auto key = key_of_dsn(header->dsn);
  return key || !has_other ? std::move(key) : std::string();
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

HourQuotas::Share project_share(const ProjectGate& gate) {
  return {"project " + std::to_string(gate.project_id), gate.rate_limit_per_hour};
}

HourQuotas::Share key_share(const KeyFacts& key) { return {key.public_key, key.rate_limit_per_hour}; }

/// The value of X-Sentry-Rate-Limits when a limit of events is reached. It names no category, as a request of any
/// is refused then, before it is read.
std::string rate_limits_of(int seconds, std::string_view scope) {
  return std::to_string(seconds) + "::" + std::string(scope) + ":" + std::string(scope) + "_quota";
}

Error unknown_project(std::string_view id) {
  return {"unknown_project",
          "there is no project " + std::string(id.substr(0, 40)) + " here: is the DSN of another server?"};
}

HourQuotas::Share file_share(ProjectId project, const IntakeLimits& limits) {
  return {"files " + std::to_string(project), limits.attachment_bytes_per_hour};
}

std::int64_t bytes_of_files(const RequestParts& parts) {
  std::int64_t bytes = 0;
  for (const RequestPart& part : parts.parts) {
    if (part.kind == ItemKind::kAttachment) bytes += static_cast<std::int64_t>(part.payload.size());
  }
  return bytes;
}

/// Whether there is an item that nothing but its request tells from others.
bool needs_hash(const std::vector<RequestPart>& parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [](const RequestPart& part) { return part.kind != ItemKind::kEvent && part.event_id.empty(); });
}

}  // namespace

Intake::Intake(IngestStore& store, Spool& spool, IntakeLimits limits, const core::Clock& clock,
               const std::string& folder)
    : store_(store),
      spool_(spool),
      keys_(store, clock),
      refusals_(store, clock),
      recent_ids_(kRememberedIds),
      nonces_(clock, folder.empty() ? folder : folder + "/nonces"),
      quotas_(clock, folder.empty() ? folder : folder + "/quotas"),
      address_buckets_(limits.requests_per_minute_and_ip, clock),
      ceiling_(static_cast<double>(limits.requests_per_second), static_cast<double>(limits.requests_per_second),
               clock.steady_now()),
      large_bodies_(kLargeBodiesAtOnce),
      limits_(limits),
      clock_(clock) {}

std::variant<IntakeReceipt, IntakeRefusal> Intake::take(const IntakeRequest& request) {
  Progress progress;
  auto receipt = take_in(request, progress);
  if (const auto signature = parse_signature(request.signature); signature && progress.has_nonce) {
    // What is not taken may be sent again as it is.
    if (receipt) nonces_.keep(progress.key->public_key, *signature);
    if (!receipt) nonces_.forget(progress.key->public_key, *signature);
  }
  if (receipt) return std::move(*receipt);
  const Error& error = receipt.error();
  count_rejected(error.code, progress.events);
  const ProjectId project = progress.key ? progress.key->gate->project_id : project_of(request);
  if (project > 0) refusals_.count(project, error.code, progress.events);
  IntakeRefusal refusal = refusal_of(error);
  if (progress.retry_after_seconds > 0) refusal.retry_after_seconds = progress.retry_after_seconds;
  refusal.rate_limits = std::move(progress.rate_limits);
  return refusal;
}

Result<IntakeReceipt> Intake::take_in(const IntakeRequest& request, Progress& progress) {
  if (request.body.size() > limits_.max_body_bytes) {
    return Error{"body_too_large", "the body has " + std::to_string(request.body.size()) + " bytes, the limit is " +
                                       std::to_string(limits_.max_body_bytes)};
  }
  if (Status status = check_ceilings(request, progress); !status) return status.error();
  if (Status status = spool_.admit(request.body.size()); !status) return status.error();
  // A key in the headers is checked before any work is spent on the body; only an envelope may carry it inside.
  const auto key = find_key(key_sources(request));
  if (!key) return key.error();
  const auto enter = [&](std::string_view found) -> Status {
    auto facts = open_door(request, found);
    if (!facts) return facts.error();
    progress.key = std::move(*facts);
    if (Status status = check_gate(request, *progress.key); !status) return status;
    if (Status status = check_quota(*progress.key, progress); !status) return status;
    return check_signature(request, progress);
  };
  if (*key || request.door != Door::kEnvelope) {
    if (Status status = enter(key->value_or("")); !status) return status.error();
  }
  auto body = decode_bounded(request, progress);
  if (!body) return body.error();
  if (request.door == Door::kEnvelope) {
    const auto inner_key = key_inside_envelope(body->bytes, key->has_value());
    if (!inner_key) return inner_key.error();
    if (*key && !inner_key->empty() && **key != *inner_key) {
      return Error{"wrong_project_key", "the key in the request's headers and the one in the envelope's dsn differ"};
    }
    if (!progress.key) {
      if (Status status = enter(*inner_key); !status) return status.error();
    }
  }
  RequestForm form = form_of(request);
  auto parts = read_decoded_parts(form, body->bytes, limits_);
  if (!parts) return parts.error();
  const auto events = std::count_if(parts->parts.begin(), parts->parts.end(),
                                    [](const RequestPart& part) { return part.kind == ItemKind::kEvent; });
  progress.events = std::max<std::int64_t>(1, events);
  body->storage = std::string();  // the parts are copies: it must not wait for the disk with them
  return spool_parts(progress, request, std::move(form), std::move(*parts));
}

Status Intake::check_ceilings(const IntakeRequest& request, Progress& progress) {
  const auto refuse = [&](int seconds, std::string_view reason, std::string message) {
    progress.retry_after_seconds = seconds;
    progress.rate_limits = std::to_string(seconds) + "::organization:" + std::string(reason);
    return Error{std::string(reason), std::move(message)};
  };
  if (limits_.requests_per_second > 0) {
    const std::lock_guard lock(ceiling_mutex_);
    if (const int seconds = ceiling_.take(clock_.steady_now()); seconds > 0) {
      return refuse(seconds, "instance_rate_limited",
                    "this collector takes " + std::to_string(limits_.requests_per_second) +
                        " requests a second, more than that have come");
    }
  }
  if (limits_.requests_per_minute_and_ip > 0) {
    const auto address = parse_address(request.client_ip);
    if (const int seconds = address_buckets_.take(address ? sender_of(*address) : ""); seconds > 0) {
      return refuse(seconds, "ip_rate_limited",
                    "one address may send " + std::to_string(limits_.requests_per_minute_and_ip) +
                        " requests a minute, more than that have come from yours");
    }
  }
  return {};
}

/// The facts of the key, when it opens the door that the request stands at.
Result<std::shared_ptr<const KeyFacts>> Intake::open_door(const IntakeRequest& request, std::string_view key) {
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
  auto facts = keys_.find_key(key);
  if (!facts) return facts.error();
  if (!*facts) return Error{"unknown_key", "no project has this key: has it been revoked, or is it another server's?"};
  if (has_path_project && (*facts)->gate->project_id != *path_project) {
    return Error{"wrong_project_key", "this key belongs to another project than " + std::to_string(*path_project)};
  }
  return std::move(*facts);
}

Status Intake::check_gate(const IntakeRequest& request, const KeyFacts& key) const {
  if (!key.is_active) return Error{"disabled_key", "this key has been disabled"};
  if (!key.gate->allows_address(request.client_ip)) {
    return Error{"ip_not_allowed", "the project does not take requests from " + std::string(request.client_ip)};
  }
  if (!key.gate->allows_origin(request.origin)) {
    return Error{"origin_not_allowed", "the project does not take requests from pages of " + cut(request.origin)};
  }
  return {};
}

Status Intake::check_signature(const IntakeRequest& request, Progress& progress) {
  const KeyFacts& key = *progress.key;
  if (request.signature.empty()) {
    if (!key.gate->require_signature) return {};
    return Error{"missing_signature",
                 "the project takes signed requests only: use the DSN with its secret, in a client that signs"};
  }
  if (key.secret_key.empty()) {
    if (!key.gate->require_signature) return {};
    return Error{"wrong_signature", "the project takes signed requests only, and this key has no secret"};
  }
  const auto signature = parse_signature(request.signature);
  if (!signature) return signature.error();
  const std::int64_t now = clock_.unix_millis() / 1000;
  if (signature->time > now + kSignatureWindowSeconds || signature->time < now - kSignatureWindowSeconds) {
    return Error{"expired_signature", "the signature's time is more than " + std::to_string(kSignatureWindowSeconds) +
                                          " s from the collector's, which is " + std::to_string(now)};
  }
  if (!is_signed_with(*signature, key.secret_key, request.body)) {
    return Error{"wrong_signature", "the signature does not fit the body and the key's secret"};
  }
  switch (nonces_.remember(key.public_key, *signature)) {
    case NonceTable::Outcome::kFresh:
      progress.has_nonce = true;
      return {};
    case NonceTable::Outcome::kSeen:
      return Error{"replayed_signature", "this signature was used before: every request needs one of its own"};
    case NonceTable::Outcome::kFull:
      break;
  }
  return Error{"busy", "more signed requests have come than can be told from replayed ones"};
}

Status Intake::check_quota(const KeyFacts& key, Progress& progress) {
  const auto refuse = [&](int seconds, std::string_view scope, std::int64_t limit) {
    progress.retry_after_seconds = seconds;
    progress.rate_limits = rate_limits_of(seconds, scope);
    return Error{std::string(scope) + "_rate_limited",
                 "the " + std::string(scope) + "'s limit of " + std::to_string(limit) + " events an hour is reached"};
  };
  const ProjectGate& gate = *key.gate;
  const int project_seconds = quotas_.seconds_until_open(project_share(gate).name, gate.rate_limit_per_hour);
  if (project_seconds > 0) return refuse(project_seconds, "project", gate.rate_limit_per_hour);
  const int key_seconds = quotas_.seconds_until_open(key.public_key, key.rate_limit_per_hour);
  if (key_seconds > 0) return refuse(key_seconds, "key", key.rate_limit_per_hour);
  return {};
}

/// Inflates a body. Small ones any number at a time; what inflates to more than that waits for its turn, so that bombs
/// from many connections cost no more memory than from a few.
Result<Intake::DecodedBody> Intake::decode_bounded(const IntakeRequest& request, Progress& progress) {
  DecodedBody body;
  body.bytes = request.body;
  const std::size_t small = std::min(limits_.max_inflated_bytes, kSmallInflatedBytes);
  auto decoded = decode_content(request.content_encoding, request.body, small);
  if (!decoded && decoded.error().code == "inflated_too_large" && small < limits_.max_inflated_bytes) {
    if (!large_bodies_.try_acquire_for(kLargeBodyPatience)) {
      progress.retry_after_seconds = kRetryAfterBusySeconds;
      return Error{"busy", "several other large requests are being read"};
    }
    body.turn = Turn(&large_bodies_);
    decoded = decode_content(request.content_encoding, request.body, limits_.max_inflated_bytes);
  }
  if (!decoded) return decoded.error();
  if (*decoded) {
    body.storage = std::move(**decoded);
    body.bytes = body.storage;
  }
  return body;
}

Result<IntakeReceipt> Intake::spool_parts(const Progress& progress, const IntakeRequest& request, RequestForm form,
                                          RequestParts parts) {
  const KeyFacts& key = *progress.key;
  const ProjectId project = key.gate->project_id;
  IntakeReceipt receipt;
  receipt.event_id = std::move(parts.event_id);
  receipt.rejected = std::move(parts.rejected);
  RecentIds::Claim claim = claim_events(project, parts);
  std::unordered_set<std::string> ids = drop_duplicates(claim, parts, receipt);
  drop_over_quota(key, parts, ids, receipt);
  receipt.accepted = ids.size();
  const std::uint64_t items = parts.parts.size() - ids.size();
  if (!parts.parts.empty()) {
    const std::int64_t file_bytes = bytes_of_files(parts);
    SpooledRequest spooled;
    spooled.parts = std::move(parts.parts);
    spooled.form = std::move(form);
    spooled.project_id = project;
    spooled.received_at = clock_.unix_millis();
    spooled.sent_at = parts.sent_at;
    if (needs_hash(spooled.parts)) spooled.body_hash = hash_of(request.body);
    spooled.client_ip = request.client_ip;
    spooled.user_agent = request.user_agent;
    spooled.client = client_of(key_sources(request));
    const Status appended = spool_.append(std::move(spooled), request.body);
    if (!appended) {
      quotas_.give_back(std::array{project_share(*key.gate), key_share(key)}, static_cast<std::int64_t>(ids.size()));
      quotas_.give_back(std::array{file_share(project, limits_)}, file_bytes);
      return appended.error();
    }
    for (const std::string& id : ids) claim.keep(id);
  }
  count_receipt(project, receipt, items, parts.ignored_items);
  return receipt;
}

RecentIds::Claim Intake::claim_events(ProjectId project, const RequestParts& parts) {
  std::vector<std::string_view> ids;
  for (const RequestPart& part : parts.parts) {
    if (part.kind == ItemKind::kEvent) ids.emplace_back(part.event_id);
  }
  return recent_ids_.claim(project, ids);
}

std::unordered_set<std::string> Intake::drop_duplicates(const RecentIds::Claim& claim, RequestParts& parts,
                                                        IntakeReceipt& receipt) {
  std::unordered_set<std::string> ids;
  std::erase_if(parts.parts, [&](const RequestPart& part) {
    if (part.kind != ItemKind::kEvent) return false;
    const bool is_new = claim.contains(part.event_id) && ids.insert(part.event_id).second;
    receipt.duplicates += is_new ? 0 : 1;
    return !is_new;
  });
  return ids;
}

void Intake::drop_over_quota(const KeyFacts& key, RequestParts& parts, std::unordered_set<std::string>& ids,
                             IntakeReceipt& receipt) {
  const HourQuotas::Share files = file_share(key.gate->project_id, limits_);
  std::erase_if(parts.parts, [&](const RequestPart& part) {
    if (part.kind != ItemKind::kAttachment) return false;
    if (quotas_.take_whole(files, static_cast<std::int64_t>(part.payload.size()))) return false;
    receipt.rejected.push_back({part.index, "attachments_rate_limited",
                                "the project's files of an hour may have " + std::to_string(files.limit) + " bytes"});
    return true;
  });
  const std::array shares = {project_share(*key.gate), key_share(key)};
  const auto wanted = static_cast<std::int64_t>(ids.size());
  const HourQuotas::Grant grant = quotas_.take(shares, wanted);
  if (grant.count == wanted) return;
  const std::string scope = grant.limited_by == 0 ? "project" : "key";
  const HourQuotas::Share& share = shares.at(grant.limited_by);
  receipt.retry_after_seconds = quotas_.seconds_until_open(share.name, share.limit);
  receipt.rate_limits = rate_limits_of(receipt.retry_after_seconds, scope);
  std::int64_t left = grant.count;
  std::erase_if(parts.parts, [&](const RequestPart& part) {
    if (part.kind != ItemKind::kEvent || left-- > 0) return false;
    ids.erase(part.event_id);
    receipt.rejected.push_back({part.index, scope + "_rate_limited",
                                "the " + scope + "'s limit of " + std::to_string(share.limit) +
                                    " events an hour is reached with this event: send it again later"});
    return true;
  });
}

void Intake::count_receipt(ProjectId project, const IntakeReceipt& receipt, std::uint64_t items,
                           const std::map<std::string, std::uint64_t>& ignored_items) {
  for (const RejectedEvent& rejected : receipt.rejected) refusals_.count(project, rejected.code, 1);
  if (receipt.duplicates > 0) {
    refusals_.count(project, std::string(kDuplicateReason), static_cast<std::int64_t>(receipt.duplicates));
  }
  const std::lock_guard lock(counts_mutex_);
  ++counts_.requests;
  counts_.accepted += receipt.accepted;
  counts_.accepted_items += items;
  counts_.duplicates += receipt.duplicates;
  for (const RejectedEvent& rejected : receipt.rejected) ++counts_.rejected[rejected.code];
  for (const auto& [type, count] : ignored_items) counts_.ignored_items[type] += count;
}

std::int64_t Intake::events_per_hour(ProjectId project) const {
  const auto gate = keys_.known_project(project);
  return gate ? gate->rate_limit_per_hour : 0;
}

void Intake::give_back(ProjectId project, std::int64_t events) {
  if (const auto gate = keys_.known_project(project)) quotas_.give_back(std::array{project_share(*gate)}, events);
}

void Intake::keep_house() {
  // When the database does not answer, the snapshot before serves on, and the counts wait.
  static_cast<void>(keys_.refresh());
  static_cast<void>(refusals_.flush());
  quotas_.save();
  // What is not told is lost to the others: they let in that much more.
  static_cast<void>(store_.tell_use(quotas_.take_news()));
}

ProjectId Intake::project_of(const IntakeRequest& request) const {
  const auto key = find_key(key_sources(request));
  const auto facts = key && *key ? keys_.known_key(**key) : nullptr;
  if (facts) return facts->gate->project_id;
  const auto path_project = parse_project_id(request.path_project);
  return path_project && keys_.knows_project(*path_project) ? *path_project : 0;
}

void Intake::count_refused(const IntakeRequest& request, std::string_view reason) {
  count_rejected(reason);
  if (const ProjectId project = project_of(request); project > 0) refusals_.count(project, std::string(reason), 1);
}

void Intake::count_rejected(std::string_view reason, std::int64_t events) {
  const std::lock_guard lock(counts_mutex_);
  counts_.rejected[std::string(reason)] += static_cast<std::uint64_t>(events);
}

IntakeCounts Intake::counts() const {
  const std::lock_guard lock(counts_mutex_);
  return counts_;
}

}  // namespace trapline::collector
