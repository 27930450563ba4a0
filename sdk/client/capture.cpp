#include "sdk/client/capture.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>

#include "sdk/core/checksum.h"
#include "sdk/core/clock.h"
#include "sdk/core/random.h"
#include "sdk/core/this_thread.h"
#include "sdk/stack/demangle.h"
#include "sdk/stack/stack_trace.h"

namespace trapline::sdk {
namespace {

constexpr std::size_t kLongestMessage = std::size_t{64} << 10;

/// Longer texts are cut, not inside a UTF-8 sequence.
std::string_view bounded(std::string_view text, std::size_t longest = kLongestMessage) {
  if (text.size() <= longest) return text;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

/// Sebastiano Vigna's SplitMix64 step: a bijection, so that counters give distinct numbers.
std::uint64_t mix(std::uint64_t number) {
  number += 0x9E3779B97F4A7C15ULL;
  number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9ULL;
  number = (number ^ (number >> 27)) * 0x94D049BB133111EBULL;
  return number ^ (number >> 31);
}

/// Which error it is: what it is, and the stack that reports it; without a stack, the place that does and how deep the
/// stack is there.
struct ErrorKeys {
  std::uint64_t with_values;
  std::uint64_t without_values;
};
ErrorKeys keys_of(const CaptureRequest& request, std::span<const std::uintptr_t> stack) {
  const auto place = std::bit_cast<std::uintptr_t>(request.caller);
  std::uint64_t without = mix(place) ^ request.level;
  if (stack.empty()) {
    without ^= mix(stack_end() - std::bit_cast<std::uintptr_t>(request.frame));
  } else {
    without = core::fast_checksum(stack.data(), stack.size_bytes(), without);
  }
  for (const core::Exception& exception : request.exceptions) without = core::fast_checksum(exception.type, without);
  for (const std::string_view part : request.fingerprint) without = core::fast_checksum(part, without);
  std::uint64_t with = core::fast_checksum(request.message, without);
  for (const core::Exception& exception : request.exceptions) with = core::fast_checksum(exception.value, with);
  return {with, without};
}

/// The thread's id, then its stack. Valid until the next call on this thread.
std::string_view stack_bytes(const CrashThread& thread) {
  static thread_local std::array<std::uint64_t, 1 + kCrashThreadFrames> bytes;
  const auto stack = stack_of(thread);
  bytes[0] = thread.id;
  std::copy(stack.begin(), stack.end(), bytes.begin() + 1);
  return {reinterpret_cast<const char*>(bytes.data()), (1 + stack.size()) * sizeof(std::uint64_t)};
}

/// Calls `take(kind, detail, key, value)` for every field of the event itself.
template <class Take>
void for_each_field(const CaptureRequest& request, std::span<const std::uintptr_t> stack, Take take) {
  if (request.thread_id == 0) take(FieldKind::kThreadName, 0, std::string_view(), core::this_thread::name());
  for (const CrashThread& thread : request.threads) {
    if (thread.id == request.thread_id) {
      take(FieldKind::kThreadName, 0, std::string_view(), name_of(thread.name));
    } else {
      take(FieldKind::kThreadStack, 0, name_of(thread.name), stack_bytes(thread));
    }
  }
  if (!request.message.empty()) take(FieldKind::kMessage, 0, std::string_view(), bounded(request.message));
  for (const core::Exception& exception : request.exceptions) {
    constexpr std::size_t kLongestType = 4'096;
    take(FieldKind::kException, exception.type_is_mangled ? 1 : 0, bounded(exception.type, kLongestType),
         bounded(exception.value));
  }
  if (!stack.empty()) {
    take(FieldKind::kStack, 0, std::string_view(),
         std::string_view(reinterpret_cast<const char*>(stack.data()), stack.size_bytes()));
  }
  take(FieldKind::kMechanism, 0, std::string_view(), request.mechanism);
  if (!request.level_name.empty()) take(FieldKind::kLevelName, 0, std::string_view(), bounded(request.level_name));
  if (!request.logger.empty()) take(FieldKind::kLogger, 0, std::string_view(), bounded(request.logger));
  if (!request.transaction.empty()) take(FieldKind::kTransaction, 0, std::string_view(), bounded(request.transaction));
  for (std::size_t part = 0; part < request.fingerprint.size(); ++part) {
    // The first begins the list anew, whatever a scope says.
    take(FieldKind::kFingerprint, part == 0 ? 1 : 0, std::string_view(), bounded(request.fingerprint[part]));
  }
  for (const AttachmentView& attachment : request.attachments) {
    const bool is_file = !attachment.path.empty();
    take(is_file ? FieldKind::kAttachmentFile : FieldKind::kAttachmentBytes, 0, bounded(attachment.name, 255),
         is_file ? attachment.path : attachment.bytes);
  }
}

}  // namespace

EventIds::EventIds() {
  std::array<std::uint64_t, 2> seed{};
  core::fill_random(std::as_writable_bytes(std::span(seed)));
  high_ = seed[0];
  low_ = seed[1];
}

EventIdBytes EventIds::next() {
  const std::uint64_t number = counter_.fetch_add(1, std::memory_order_relaxed);
  const std::array<std::uint64_t, 2> words = {mix(high_ + number), mix(low_ ^ number)};
  auto id = std::bit_cast<EventIdBytes>(words);
  make_version_4(id);
  return id;
}

Capturer::Capturer(Recorder& recorder, const PolicyOptions& policy, const Hooks& hooks, WakeUp& wake_up)
    : recorder_(recorder),
      policy_(policy, hooks),
      repeats_(recorder.repeats(), policy.repeat_window),
      wake_up_(wake_up) {}

CaptureResult Capturer::capture(const CaptureRequest& request) {
  LedgerCounters& ledger = recorder_.ledger();
  ledger.captured.fetch_add(1, std::memory_order_relaxed);
  const auto drop = [&](Fate fate) {
    ledger.count(fate);
    return CaptureResult{.is_taken = fate == Fate::kDeduplicated, .fate = fate};
  };

  const bool is_message = request.exceptions.empty();
  const SamplingQuestion question{request.level, is_message ? std::string_view() : request.exceptions[0].type,
                                  is_message ? request.message : request.exceptions[0].value};
  std::string readable_type;
  if (policy_.has_patterns() && !is_message && request.exceptions[0].type_is_mangled) {
    readable_type = demangle(std::string(question.type).c_str());
  }
  if (const auto fate = policy_.judge(question, readable_type.empty() ? question.type : readable_type))
    return drop(*fate);

  std::array<std::uintptr_t, kMostFrames> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
  std::span<const std::uintptr_t> stack = request.stack.first(std::min(request.stack.size(), kMostFrames));
  if (stack.empty() && request.wants_stack) stack = std::span(room).first(capture_stack(request.caller, room));
  const ErrorKeys keys = keys_of(request, stack);
  const std::int64_t steady = core::system_clock().steady_now().time_since_epoch().count();
  if (request.is_handled && !policy_.keeps_identical(keys.without_values, steady)) return drop(Fate::kSampled);

  EventHead head;
  head.id = ids_.next();
  head.timestamp = core::system_clock().unix_millis();
  // What ends the process is never counted into something else, nor held back.
  const RepeatDecision decision =
      request.is_handled ? repeats_.count(keys.with_values, head.timestamp, head.id) : RepeatDecision::kSend;
  if (decision == RepeatDecision::kCount) {
    CaptureResult counted = drop(Fate::kDeduplicated);
    counted.event_id = head.id;
    return counted;
  }
  const auto give_up = [&](Fate fate) {
    if (decision == RepeatDecision::kHold) repeats_.forget_held(keys.with_values);
    return drop(fate);
  };
  // After the identical errors: a storm of one must not use up the rate of the others.
  if (request.is_handled && !policy_.is_within_rate(steady)) return give_up(Fate::kRateLimited);

  head.thread_id = request.thread_id != 0 ? request.thread_id : core::this_thread::id();
  head.level = request.level;
  head.is_handled = request.is_handled ? 1 : 0;
  head.is_held = decision == RepeatDecision::kHold ? 1 : 0;
  const CaptureResult result = write(request, head, stack);
  return result.is_taken ? result : give_up(result.fate);
}

CaptureResult Capturer::write(const CaptureRequest& request, const EventHead& head,
                              std::span<const std::uintptr_t> stack) {
  const ThreadScopes& thread_scopes = ThreadScopes::of_this_thread();
  std::size_t own_bytes = sizeof head;
  for_each_field(request, stack, [&](FieldKind, int, std::string_view key, std::string_view value) {
    own_bytes += field_bytes(key.size(), value.size());
  });
  for (std::size_t level = 0; level < thread_scopes.depth(); ++level) own_bytes += thread_scopes.row(level).size();
  if (request.scope != nullptr) own_bytes += request.scope->fields.row().size();

  EventRing& ring = recorder_.events();
  EventRing::Reservation reservation;
  char* to = nullptr;
  const auto append = [&to](std::string_view row) {
    std::memcpy(to, row.data(), row.size());
    to += row.size();
  };
  {
    // The process's scope and breadcrumbs are copied where they stay: the lock is held for as long as that takes.
    const std::lock_guard lock(scope_mutex_);
    const std::string_view scope = scope_.row();
    std::size_t breadcrumbs = recorder_.breadcrumbs().bytes();
    if (own_bytes + scope.size() + breadcrumbs > ring.largest_payload()) breadcrumbs = 0;
    const std::size_t bytes = own_bytes + scope.size() + breadcrumbs;
    if (bytes > ring.largest_payload()) return {.fate = Fate::kTooLarge};
    reservation = ring.reserve(bytes);
    if (reservation.payload == nullptr) return {.fate = Fate::kRingFull};
    to = reservation.payload;
    append({reinterpret_cast<const char*>(&head), sizeof head});
    append(scope);
    if (breadcrumbs > 0) recorder_.breadcrumbs().copy_to(to);
    to += breadcrumbs;
  }
  for (std::size_t level = 0; level < thread_scopes.depth(); ++level) append(thread_scopes.row(level));
  if (request.scope != nullptr) append(request.scope->fields.row());
  for_each_field(request, stack, [&](FieldKind kind, int detail, std::string_view key, std::string_view value) {
    to += write_field(to, kind, static_cast<std::uint8_t>(detail), key, value);
  });
  ring.commit(reservation, RecordKind::kEvent, 0);
  wake_worker();
  return {.is_taken = true, .event_id = head.id};
}

bool Capturer::write_item(std::string_view row) {
  const auto reservation = recorder_.events().reserve(row.size());
  if (reservation.payload == nullptr) return false;
  std::memcpy(reservation.payload, row.data(), row.size());
  recorder_.events().commit(reservation, RecordKind::kItem, 0);
  wake_worker();
  return true;
}

void Capturer::wake_worker() {
  EventRing& ring = recorder_.events();
  const bool is_filling_up = ring.head() - ring.tail() > ring.capacity() / 2;
  if (is_filling_up) {
    wake_up_.signal_urgent();
  } else {
    wake_up_.signal();
  }
}

bool Capturer::add_breadcrumb(const BreadcrumbView& breadcrumb) {
  BreadcrumbView view = breadcrumb;
  constexpr std::size_t kLongestBreadcrumbText = 8'192;
  for (std::string_view* text : {&view.type, &view.category, &view.message}) {
    *text = bounded(*text, kLongestBreadcrumbText);
  }
  if (view.data.size() > kLongestBreadcrumbText) view.data = {};  // half of a JSON object is none
  const std::lock_guard lock(scope_mutex_);
  return recorder_.breadcrumbs().add(view);
}

void Capturer::clear_breadcrumbs() {
  const std::lock_guard lock(scope_mutex_);
  recorder_.breadcrumbs().clear();
}

void Capturer::lock_for_fork() {
  scope_mutex_.lock();
  breadcrumbs_at_fork_.resize(recorder_.breadcrumbs().bytes());
  recorder_.breadcrumbs().copy_to(breadcrumbs_at_fork_.data());
}

void Capturer::copy_scope_from(Capturer& parent) {
  // The parent's lock was taken before the fork and is of no more use here.
  const std::lock_guard lock(scope_mutex_);
  scope_.assign(parent.scope_.row());
  recorder_.publish_scope(scope_.row());
  FieldReader reader(parent.breadcrumbs_at_fork_);
  while (const auto field = reader.next()) recorder_.breadcrumbs().add(read_breadcrumb(*field));
}

}  // namespace trapline::sdk
