#include "collector/ingest/item_reader.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <simdjson.h>

#include "collector/digest/clock_drift.h"
#include "collector/storage/time_span.h"
#include "sdk/core/event_id.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kLongestName = 200;
constexpr std::size_t kLongestMessage = 10'000;
constexpr std::size_t kLongestConfig = 10'000;
constexpr std::size_t kMostListed = 1'000;

/// The first `max_bytes` bytes, without half a character at the end.
std::string shortened(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  std::size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end));
}

/// A text; numbers as JSON writes them; else empty.
std::string text_field(const object& from, std::string_view key, std::size_t max_bytes = kLongestName) {
  element value;
  if (from[key].get(value) != simdjson::SUCCESS) return {};
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) return shortened(text, max_bytes);
  if (value.is_int64() || value.is_uint64() || value.is_double()) return simdjson::minify(value);
  return {};
}

std::optional<object> object_field(const object& from, std::string_view key) {
  object found;
  if (from[key].get_object().get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

std::string id_field(const object& from, std::string_view key) {
  return core::normalise_event_id(text_field(from, key)).value_or("");
}

std::optional<double> number_field(const object& from, std::string_view key) {
  double number = 0;
  constexpr double kMost = 1e15;
  if (from[key].get_double().get(number) != simdjson::SUCCESS || !(std::abs(number) < kMost)) return std::nullopt;
  return number;
}

std::int64_t count_field(const object& from, std::string_view key) {
  constexpr double kMost = 1e12;
  return static_cast<std::int64_t>(std::clamp(number_field(from, key).value_or(0), 0.0, kMost));
}

/// When an item came, and by how much its sender's clock was behind.
struct Clocks {
  UnixMillis received_at = 0;
  UnixMillis drift = 0;
};

/// Seconds as a number, or RFC 3339; `fallback` when it is neither, or not a time since 1970 of this world.
UnixMillis time_field(const object& from, std::string_view key, UnixMillis fallback) {
  constexpr double kMostSeconds = 1e11;
  if (const auto seconds = number_field(from, key)) {
    return *seconds > 0 && *seconds < kMostSeconds ? static_cast<UnixMillis>(std::llround(*seconds * 1000)) : fallback;
  }
  const auto parsed = core::parse_timestamp(text_field(from, key));
  return parsed && *parsed > 0 ? *parsed : fallback;
}

/// A time that things are counted by. A clock that is far off would put them where nobody looks, so then it is the time
/// of receipt.
UnixMillis counted_time(const object& from, std::string_view key, const Clocks& clocks) {
  const UnixMillis told = time_field(from, key, clocks.received_at - clocks.drift) + clocks.drift;
  const bool is_near = told > clocks.received_at - 30 * kDayMs && told < clocks.received_at + kDayMs;
  return is_near ? told : clocks.received_at;
}

std::int64_t duration_field(const object& from, std::string_view key) {
  const auto seconds = number_field(from, key);
  return seconds && *seconds >= 0 ? std::llround(std::min(*seconds, 1e9) * 1000) : -1;
}

SessionStatus session_status(std::string_view word) {
  if (word == "exited") return SessionStatus::kExited;
  if (word == "errored") return SessionStatus::kErrored;
  if (word == "unhandled") return SessionStatus::kUnhandled;
  if (word == "crashed") return SessionStatus::kCrashed;
  if (word == "abnormal") return SessionStatus::kAbnormal;
  return SessionStatus::kOk;
}

/// Fills in what an item's records have in common.
class Records {
 public:
  explicit Records(const SpooledItem& item) : item_(item) {}

  template <class Content>
  void add(Content content) {
    StoredItem record;
    record.item_id = item_.item_id;
    // Of a list, every record has an id of its own, the same whenever the item is read again.
    if (!records_.empty()) record.item_id += '-' + std::to_string(records_.size());
    record.project_id = item_.project_id;
    record.received_at = item_.received_at;
    record.content = std::move(content);
    records_.push_back(std::move(record));
  }
  [[nodiscard]] bool is_full() const { return records_.size() == kMostListed; }
  std::vector<StoredItem> take() { return std::move(records_); }

 private:
  const SpooledItem& item_;
  std::vector<StoredItem> records_;
};

void read_session(const object& from, const Clocks& clocks, Records& records) {
  SessionUpdate session;
  session.sid = id_field(from, "sid");
  if (session.sid.empty()) return;
  session.user = text_field(from, "did");
  session.status = session_status(text_field(from, "status"));
  bool is_init = false;
  session.is_init = from["init"].get_bool().get(is_init) == simdjson::SUCCESS && is_init;
  session.errors = count_field(from, "errors");
  session.started = counted_time(from, "started", clocks);
  session.duration_ms = duration_field(from, "duration");
  const auto sequence = number_field(from, "seq");
  session.sequence =
      sequence ? static_cast<std::int64_t>(*sequence) : time_field(from, "timestamp", clocks.received_at);
  if (const auto attributes = object_field(from, "attrs")) {
    session.release = text_field(*attributes, "release");
    session.environment = text_field(*attributes, "environment");
  }
  records.add(std::move(session));
}

void read_sessions(const object& from, const Clocks& clocks, Records& records) {
  array aggregates;
  if (from["aggregates"].get_array().get(aggregates) != simdjson::SUCCESS) return;
  std::string release;
  std::string environment;
  if (const auto attributes = object_field(from, "attrs")) {
    release = text_field(*attributes, "release");
    environment = text_field(*attributes, "environment");
  }
  for (const element one : aggregates) {
    object aggregate;
    if (records.is_full() || one.get_object().get(aggregate) != simdjson::SUCCESS) continue;
    SessionCounts counts;
    counts.started = counted_time(aggregate, "started", clocks);
    counts.user = text_field(aggregate, "did");
    counts.exited = count_field(aggregate, "exited");
    counts.errored = count_field(aggregate, "errored");
    counts.crashed = count_field(aggregate, "crashed");
    counts.abnormal = count_field(aggregate, "abnormal");
    counts.release = release;
    counts.environment = environment;
    records.add(std::move(counts));
  }
}

void read_user_report(const object& from, Records& records) {
  UserReport report;
  report.event_id = id_field(from, "event_id");
  report.name = text_field(from, "name");
  report.email = text_field(from, "email");
  report.message = text_field(from, "comments", kLongestMessage);
  records.add(std::move(report));
}

void read_feedback(const object& from, const std::string& envelope_id, Records& records) {
  UserReport report;
  report.report_id = id_field(from, "event_id");
  if (report.report_id.empty()) report.report_id = envelope_id;
  const auto contexts = object_field(from, "contexts");
  const auto feedback = contexts ? object_field(*contexts, "feedback") : std::nullopt;
  if (!feedback) return;
  report.event_id = id_field(*feedback, "associated_event_id");
  report.name = text_field(*feedback, "name");
  report.email = text_field(*feedback, "contact_email");
  report.message = text_field(*feedback, "message", kLongestMessage);
  report.url = text_field(*feedback, "url", kLongestMessage);
  records.add(std::move(report));
}

void read_client_report(const object& from, const Clocks& clocks, Records& records) {
  const UnixMillis timestamp = counted_time(from, "timestamp", clocks);
  // The last three names are of old clients.
  for (const char* list : {"discarded_events", "rate_limited_events", "filtered_events", "filtered_sampling_events"}) {
    array lines;
    if (from[list].get_array().get(lines) != simdjson::SUCCESS) continue;
    for (const element one : lines) {
      object line;
      if (records.is_full() || one.get_object().get(line) != simdjson::SUCCESS) continue;
      ClientLoss loss;
      loss.timestamp = timestamp;
      loss.reason = text_field(line, "reason");
      loss.category = text_field(line, "category");
      loss.quantity = count_field(line, "quantity");
      if (loss.quantity > 0) records.add(std::move(loss));
    }
  }
}

void read_check_in(const object& from, Records& records) {
  CheckIn check_in;
  check_in.check_in_id = id_field(from, "check_in_id");
  check_in.monitor = text_field(from, "monitor_slug");
  if (check_in.check_in_id.empty() || check_in.monitor.empty()) return;
  const std::string status = text_field(from, "status");
  check_in.status = status == "in_progress" ? CheckInStatus::kInProgress
                                            : (status == "error" ? CheckInStatus::kError : CheckInStatus::kOk);
  check_in.duration_ms = duration_field(from, "duration");
  check_in.environment = text_field(from, "environment");
  check_in.release = text_field(from, "release");
  element config;
  if (from["monitor_config"].get(config) == simdjson::SUCCESS && config.is_object()) {
    check_in.monitor_config = simdjson::minify(config);
    if (check_in.monitor_config.size() > kLongestConfig) check_in.monitor_config.clear();
  }
  records.add(std::move(check_in));
}

void read_transaction(const object& from, const std::string& envelope_id, const Clocks& clocks, Records& records) {
  Transaction transaction;
  transaction.event_id = id_field(from, "event_id");
  if (transaction.event_id.empty()) transaction.event_id = envelope_id;
  transaction.name = text_field(from, "transaction");
  const auto contexts = object_field(from, "contexts");
  if (const auto trace = contexts ? object_field(*contexts, "trace") : std::nullopt) {
    transaction.operation = text_field(*trace, "op");
    transaction.status = text_field(*trace, "status");
    transaction.trace_id = id_field(*trace, "trace_id");
  }
  const UnixMillis started = time_field(from, "start_timestamp", clocks.received_at - clocks.drift);
  transaction.started = started + clocks.drift;
  transaction.duration_ms = std::max<std::int64_t>(0, time_field(from, "timestamp", started) - started);
  transaction.environment = text_field(from, "environment");
  transaction.release = text_field(from, "release");
  records.add(std::move(transaction));
}

/// Whether a counter's name is one that a program would give it.
bool is_reason(std::string_view name) {
  constexpr std::size_t kLongestReason = 40;
  return !name.empty() && name.size() <= kLongestReason && std::all_of(name.begin(), name.end(), [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '_';
  });
}

/// One counter of a run. False: nothing that can have been counted.
bool read_counter(std::string_view name, const element& value, RunCounters& counters) {
  constexpr std::uint64_t kMost = 1'000'000'000'000;
  constexpr std::size_t kMostReasons = 32;
  std::uint64_t number = 0;
  if (value.get_uint64().get(number) != simdjson::SUCCESS || number > kMost || !is_reason(name)) return false;
  const auto count = static_cast<std::int64_t>(number);
  if (name == "captured") {
    counters.captured = count;
  } else if (name == "delivered" || name == "rejected") {
    counters.reached += count;
  } else {
    const auto is_same = [&](const RunCounters::Drop& drop) { return drop.reason == name; };
    if (std::any_of(counters.drops.begin(), counters.drops.end(), is_same)) return false;
    counters.drops.push_back({std::string(name), count});
  }
  return counters.drops.size() <= kMostReasons;
}

/// Counters of which one is senseless are no one's.
void read_run_counters(const object& from, Records& records) {
  RunCounters counters;
  counters.run = id_field(from, "run");
  counters.release = text_field(from, "release");
  counters.reached = count_field(from, "events");
  const auto ledger = object_field(from, "ledger");
  if (counters.run.empty() || !ledger) return;
  for (const auto& [name, value] : *ledger) {
    if (!read_counter(name, value, counters)) return;
  }
  records.add(std::move(counters));
}

/// What a record of that kind cannot be without; empty for kinds that may be empty lists.
std::string_view what_makes(ItemKind kind) {
  switch (kind) {
    case ItemKind::kSession:
      return "a session needs a 'sid' of 32 hex digits";
    case ItemKind::kFeedback:
      return "feedback needs the context 'feedback'";
    case ItemKind::kCheckIn:
      return "a check-in needs a 'check_in_id' of 32 hex digits and a 'monitor_slug'";
    case ItemKind::kRunCounters:
      return "a batch's 'run' needs 32 hex digits, and its 'ledger' whole numbers up to 10^12, by reasons of a-z, 0-9, "
             "_";
    default:
      return {};
  }
}

}  // namespace

core::Status check_item(const RequestPart& part) {
  const std::string_view needed = what_makes(part.kind);
  if (needed.empty()) return {};
  SpooledItem item;
  item.part = part;
  if (!read_item(std::move(item)).empty()) return {};
  return core::Error{"invalid_item", std::string(needed)};
}

std::vector<StoredItem> read_item(SpooledItem item) {
  Records records(item);
  RequestPart& part = item.part;
  if (part.kind == ItemKind::kAttachment) {
    Attachment file;
    file.event_id = part.event_id;
    file.filename = shortened(part.filename, kLongestName);
    file.content_type = shortened(part.content_type, kLongestName);
    file.attachment_type = shortened(part.attachment_type, kLongestName);
    if (file.attachment_type.empty()) file.attachment_type = "event.attachment";
    file.bytes = std::move(part.payload);
    records.add(std::move(file));
    return records.take();
  }
  thread_local simdjson::dom::parser parser;
  object from;
  if (parser.parse(part.payload).get_object().get(from) != simdjson::SUCCESS) return {};
  const Clocks clocks{item.received_at, clock_drift(item.sent_at, item.received_at)};
  switch (part.kind) {
    case ItemKind::kSession:
      read_session(from, clocks, records);
      break;
    case ItemKind::kSessions:
      read_sessions(from, clocks, records);
      break;
    case ItemKind::kUserReport:
      read_user_report(from, records);
      break;
    case ItemKind::kFeedback:
      read_feedback(from, part.event_id, records);
      break;
    case ItemKind::kClientReport:
      read_client_report(from, clocks, records);
      break;
    case ItemKind::kCheckIn:
      read_check_in(from, records);
      break;
    case ItemKind::kTransaction:
      read_transaction(from, part.event_id, clocks, records);
      break;
    case ItemKind::kRunCounters:
      read_run_counters(from, records);
      break;
    case ItemKind::kEvent:
    case ItemKind::kAttachment:
      break;
  }
  return records.take();
}

}  // namespace trapline::collector
