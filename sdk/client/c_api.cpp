/// The C interface (trapline.h): starting, capturing, waiting, ending. Scopes are in scope_api.cpp, what is no event in
/// extras_api.cpp.

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include <trapline/trapline.h>

#include "sdk/client/api_support.h"
#include "sdk/client/options_reader.h"
#include "sdk/core/clock.h"
#include "sdk/core/hex.h"
#include "sdk/core/per_thread.h"
#include "sdk/stack/throw_hook.h"

using namespace trapline::sdk;
using namespace trapline::sdk::api;

namespace {

constexpr std::size_t kMostExceptions = 50;
constexpr std::size_t kMostParts = 32;
constexpr std::size_t kMostAttachmentBytes = std::size_t{512} << 10;

trapline::core::Exception read_exception(const trapline_exception& raw) {
  const bool has_type = raw.type != nullptr && *raw.type != '\0';
  return {has_type ? raw.type : "Error", view(raw.value), has_type && raw.type_is_mangled != 0};
}

/// The parts of an event that are lists, in memory of the caller's stack.
struct EventParts {
  std::array<trapline::core::Exception, kMostExceptions> exceptions;
  std::array<std::string_view, kMostParts> fingerprint;
  std::array<AttachmentView, kMostParts> attachments;
};

/// The stack of the throw of the exception that the caller is handling, where that is the one it captures.
class ThrowStack {
 public:
  void use_for(CaptureRequest& request) {
    if (request.exceptions.empty() || !request.exceptions[0].type_is_mangled) return;
    // The type came from a text that ends in NUL (read_exception()).
    const std::size_t count = find_throw_stack_of_current(request.exceptions[0].type.data(), addresses_);
    request.stack = std::span(addresses_).first(count);
  }

 private:
  std::array<std::uintptr_t, kThrowFrames> addresses_;  // written before it is read
};

/// Why the event cannot be captured; empty: it can.
std::string fill(const trapline_event& given, EventParts& parts, CaptureRequest& request) {
  // A program that was compiled with an older header knows fewer fields: the others have their defaults.
  constexpr std::size_t kSmallest = sizeof(trapline_event);
  if (given.size < kSmallest || given.size > sizeof given) return "event.size is wrong: begin with TRAPLINE_EVENT_INIT";
  trapline_event raw = TRAPLINE_EVENT_INIT;
  std::memcpy(&raw, &given, given.size);
  const std::size_t exceptions = raw.exceptions != nullptr ? std::min(raw.exception_count, kMostExceptions) : 0;
  if (raw.message == nullptr && exceptions == 0) return "the event has neither a message nor exceptions";
  for (std::size_t index = 0; index < exceptions; ++index)
    parts.exceptions[index] = read_exception(raw.exceptions[index]);
  const std::size_t fingerprint = raw.fingerprint != nullptr ? std::min(raw.fingerprint_count, kMostParts) : 0;
  for (std::size_t index = 0; index < fingerprint; ++index) parts.fingerprint[index] = view(raw.fingerprint[index]);
  const std::size_t attachments = raw.attachments != nullptr ? raw.attachment_count : 0;
  if (attachments > kMostParts) return "an event may have 32 attachments, this one has more";
  for (std::size_t index = 0; index < attachments; ++index) {
    const trapline_attachment& attachment = raw.attachments[index];
    const bool has_bytes = attachment.path == nullptr && attachment.bytes != nullptr;
    if (has_bytes && attachment.size > kMostAttachmentBytes) {
      return "the attachment '" + text_or_empty(attachment.name) + "' has " + std::to_string(attachment.size) +
             " bytes, more than 512 KiB: put it into a file and give its path";
    }
    parts.attachments[index] = {
        view(attachment.name), view(attachment.path),
        has_bytes ? std::string_view(static_cast<const char*>(attachment.bytes), attachment.size) : std::string_view()};
  }
  request.level = level_number(raw.level);
  request.level_name = view(raw.level_name);
  request.message = view(raw.message);
  request.logger = view(raw.logger);
  request.transaction = view(raw.transaction);
  request.exceptions = std::span(parts.exceptions).first(exceptions);
  request.fingerprint = std::span(parts.fingerprint).first(fingerprint);
  request.attachments = std::span(parts.attachments).first(attachments);
  request.scope = raw.scope;
  request.wants_stack = raw.with_stack != 0;
  return {};
}

}  // namespace

namespace trapline::sdk::api {

std::string& last_error() { return core::per_thread<std::string>(); }

trapline_status not_running() {
  return fail(TRAPLINE_NOT_INITIALISED, "the SDK is not running: call trapline_init() first");
}

trapline_status hand_out(const CaptureResult& result, char* event_id) {
  if (!result.is_taken) return fail(TRAPLINE_DROPPED, "the event was dropped: " + std::string(fate_name(result.fate)));
  if (event_id == nullptr) return TRAPLINE_OK;
  core::write_hex(std::as_bytes(std::span(result.event_id)), event_id);
  event_id[TRAPLINE_EVENT_ID_SIZE - 1] = '\0';
  return TRAPLINE_OK;
}

}  // namespace trapline::sdk::api

trapline_status trapline_init(const trapline_options* options) {
  return guarded([&] {
    auto read = read_options(options);
    if (!read) return fail(TRAPLINE_INVALID_ARGUMENT, read.error().message);
    const std::lock_guard starting(starting_mutex());
    if (current_client()) {
      return fail(TRAPLINE_ALREADY_INITIALISED,
                  "the SDK is running already: call trapline_shutdown() before another init");
    }
    auto client = Client::create(std::move(*read));
    if (!client) return fail(TRAPLINE_INVALID_ARGUMENT, client.error().message);
    if (!set_current_client(*client)) {
      (*client)->stop(std::chrono::milliseconds{0});
      return fail(TRAPLINE_ALREADY_INITIALISED, "another thread has started the SDK at the same time");
    }
    return TRAPLINE_OK;
  });
}

trapline_status trapline_capture_message(trapline_level level, const char* message, char* event_id) {
  const void* const caller = __builtin_return_address(0);
  const void* const frame = __builtin_frame_address(0);
  return with_client([&](Client& client) {
    if (message == nullptr) return fail(TRAPLINE_INVALID_ARGUMENT, "message is NULL");
    CaptureRequest request;
    request.level = level_number(level);
    request.message = message;
    request.wants_stack = client.options().attaches_stack_to_messages;
    request.caller = caller;
    request.frame = frame;
    return hand_out(client.capture(request), event_id);
  });
}

trapline_status trapline_capture_exception(const trapline_exception* chain, size_t count, char* event_id) {
  const void* const caller = __builtin_return_address(0);
  const void* const frame = __builtin_frame_address(0);
  return with_client([&](Client& client) {
    if (chain == nullptr || count == 0) return fail(TRAPLINE_INVALID_ARGUMENT, "the chain has no exception");
    std::array<trapline::core::Exception, kMostExceptions> exceptions;
    const std::size_t used = std::min(count, kMostExceptions);
    for (std::size_t index = 0; index < used; ++index) exceptions[index] = read_exception(chain[index]);
    CaptureRequest request;
    request.exceptions = std::span(exceptions).first(used);
    request.caller = caller;
    request.frame = frame;
    ThrowStack thrown;
    thrown.use_for(request);
    return hand_out(client.capture(request), event_id);
  });
}

trapline_status trapline_capture_event(const trapline_event* event, char* event_id) {
  const void* const caller = __builtin_return_address(0);
  const void* const frame = __builtin_frame_address(0);
  return with_client([&](Client& client) {
    if (event == nullptr) return fail(TRAPLINE_INVALID_ARGUMENT, "event is NULL");
    EventParts parts;
    CaptureRequest request;
    request.caller = caller;
    request.frame = frame;
    std::string problem = fill(*event, parts, request);
    if (!problem.empty()) return fail(TRAPLINE_INVALID_ARGUMENT, std::move(problem));
    ThrowStack thrown;
    if (request.wants_stack) thrown.use_for(request);
    return hand_out(client.capture(request), event_id);
  });
}

trapline_status trapline_add_breadcrumb(const trapline_breadcrumb* breadcrumb) {
  return with_client([&](Client& client) {
    if (breadcrumb == nullptr) return fail(TRAPLINE_INVALID_ARGUMENT, "breadcrumb is NULL");
    const BreadcrumbView added{trapline::core::system_clock().unix_millis(),
                               level_number(breadcrumb->level),
                               view(breadcrumb->type),
                               view(breadcrumb->category),
                               view(breadcrumb->message),
                               view(breadcrumb->data)};
    if (client.add_breadcrumb(added)) return TRAPLINE_OK;
    return fail(TRAPLINE_DROPPED, "the breadcrumb was dropped: before_breadcrumb did not want it, or none are kept");
  });
}

trapline_status trapline_clear_breadcrumbs(void) {
  return with_client([](Client& client) {
    client.capturer().clear_breadcrumbs();
    return TRAPLINE_OK;
  });
}

trapline_status trapline_set_consent(int is_given) {
  return with_client([&](Client& client) {
    client.set_consent(is_given != 0);
    return TRAPLINE_OK;
  });
}

trapline_status trapline_flush(uint32_t timeout_ms) {
  return with_kept_client([&](Client& client) {
    if (client.flush(std::chrono::milliseconds(timeout_ms))) return TRAPLINE_OK;
    return fail(TRAPLINE_TIMEOUT, "not all events were sent in " + std::to_string(timeout_ms) + " ms; they are kept");
  });
}

trapline_status trapline_shutdown(uint32_t timeout_ms) {
  return guarded([&] {
    const auto client = remove_current_client();
    if (!client) return fail(TRAPLINE_NOT_INITIALISED, "the SDK is not running");
    if (client->stop(std::chrono::milliseconds(timeout_ms))) return TRAPLINE_OK;
    return fail(TRAPLINE_TIMEOUT, "not all events were sent in " + std::to_string(timeout_ms) +
                                      " ms; the rest is kept for the next start");
  });
}

trapline_status trapline_get_stats(trapline_stats* stats) {
  return with_kept_client([&](Client& client) {
    const bool is_good = stats != nullptr && stats->size >= sizeof stats->size && stats->size <= sizeof(trapline_stats);
    if (!is_good)
      return fail(TRAPLINE_INVALID_ARGUMENT, "stats is NULL or its size wrong: begin with TRAPLINE_STATS_INIT");
    const LedgerCounters& ledger = client.ledger();
    const trapline_stats all = {stats->size,
                                ledger.captured.load(std::memory_order_relaxed),
                                ledger.of(Fate::kDelivered),
                                client.queued(),
                                ledger.of(Fate::kSampled),
                                ledger.of(Fate::kFiltered),
                                ledger.of(Fate::kDeduplicated),
                                ledger.of(Fate::kRateLimited),
                                ledger.of(Fate::kRingFull),
                                ledger.of(Fate::kTooLarge),
                                ledger.of(Fate::kHookDropped),
                                ledger.of(Fate::kEvicted),
                                ledger.of(Fate::kBufferFailed),
                                ledger.of(Fate::kRejected),
                                ledger.of(Fate::kNoConsent),
                                ledger.of(Fate::kTorn)};
    std::memcpy(stats, &all, stats->size);
    return TRAPLINE_OK;
  });
}

const char* trapline_last_error(void) { return last_error().c_str(); }

const char* trapline_status_name(trapline_status status) {
  switch (status) {
    case TRAPLINE_OK:
      return "TRAPLINE_OK";
    case TRAPLINE_INVALID_ARGUMENT:
      return "TRAPLINE_INVALID_ARGUMENT";
    case TRAPLINE_NOT_INITIALISED:
      return "TRAPLINE_NOT_INITIALISED";
    case TRAPLINE_ALREADY_INITIALISED:
      return "TRAPLINE_ALREADY_INITIALISED";
    case TRAPLINE_DROPPED:
      return "TRAPLINE_DROPPED";
    case TRAPLINE_TIMEOUT:
      return "TRAPLINE_TIMEOUT";
    case TRAPLINE_FAILED:
      return "TRAPLINE_FAILED";
  }
  return "unknown";
}

const char* trapline_version(void) { return TRAPLINE_VERSION; }
