/// The C interface (trapline.h) over Client. Nothing may be thrown out of here: every function runs inside guarded().

#include <algorithm>
#include <cstring>
#include <exception>
#include <string>
#include <utility>

#include <trapline/trapline.h>

#include "sdk/client/current_client.h"
#include "sdk/core/clock.h"
#include "sdk/stack/stack_trace.h"

namespace {

using trapline::sdk::Client;
using trapline::sdk::ClientOptions;

constexpr std::size_t kMostExceptions = 50;

std::string& last_error() {
  thread_local std::string message;
  return message;
}

trapline_status fail(trapline_status status, std::string message) {
  last_error() = std::move(message);
  return status;
}

/// Runs `work`; what it throws becomes a status.
template <class Work>
trapline_status guarded(Work work) noexcept {
  try {
    last_error().clear();
    return work();
  } catch (const std::exception& error) {
    try {
      return fail(TRAPLINE_FAILED, error.what());
    } catch (...) {  // no memory for the message: the status has to do
      return TRAPLINE_FAILED;
    }
  } catch (...) {
    return TRAPLINE_FAILED;
  }
}

/// Runs `work` with the process's client.
template <class Work>
trapline_status with_client(Work work) noexcept {
  return guarded([&] {
    const auto client = trapline::sdk::current_client();
    if (!client) return fail(TRAPLINE_NOT_INITIALISED, "the SDK is not running: call trapline_init() first");
    return work(*client);
  });
}

std::string text_or_empty(const char* text) { return text != nullptr ? text : ""; }

const char* level_word(trapline_level level) {
  switch (level) {
    case TRAPLINE_LEVEL_DEBUG:
      return "debug";
    case TRAPLINE_LEVEL_INFO:
      return "info";
    case TRAPLINE_LEVEL_WARNING:
      return "warning";
    case TRAPLINE_LEVEL_FATAL:
      return "fatal";
    case TRAPLINE_LEVEL_ERROR:
      break;
  }
  return "error";
}

trapline_status hand_out_id(const std::string& id, char* event_id) {
  if (id.empty()) return fail(TRAPLINE_DROPPED, "the event was dropped: too many are waiting to be sent");
  if (event_id != nullptr) std::memcpy(event_id, id.c_str(), TRAPLINE_EVENT_ID_SIZE);
  return TRAPLINE_OK;
}

ClientOptions read_options(const trapline_options& raw) {
  ClientOptions options;
  options.dsn = text_or_empty(raw.dsn);
  options.release = text_or_empty(raw.release);
  options.environment = text_or_empty(raw.environment);
  options.server_name = text_or_empty(raw.server_name);
  options.uses_host_name = raw.server_name == nullptr;
  options.captures_uncaught = raw.capture_uncaught != 0;
  options.debug = raw.debug != 0;
  return options;
}

}  // namespace

trapline_status trapline_init(const trapline_options* options) {
  return guarded([&] {
    if (options == nullptr) return fail(TRAPLINE_INVALID_ARGUMENT, "options is NULL: begin with TRAPLINE_OPTIONS_INIT");
    if (options->size != sizeof(trapline_options)) {
      return fail(TRAPLINE_INVALID_ARGUMENT,
                  "options.size is " + std::to_string(options->size) + ", not " +
                      std::to_string(sizeof(trapline_options)) +
                      ": begin with TRAPLINE_OPTIONS_INIT, of the same version as the library");
    }
    if (trapline::sdk::current_client()) {
      return fail(TRAPLINE_ALREADY_INITIALISED,
                  "the SDK is running already: call trapline_shutdown() before another init");
    }
    auto client = Client::create(read_options(*options));
    if (!client) return fail(TRAPLINE_INVALID_ARGUMENT, client.error().message);
    if (!trapline::sdk::set_current_client(std::move(*client))) {
      return fail(TRAPLINE_ALREADY_INITIALISED, "another thread has started the SDK at the same time");
    }
    return TRAPLINE_OK;
  });
}

trapline_status trapline_capture_message(trapline_level level, const char* message, char* event_id) {
  const void* caller = __builtin_return_address(0);
  return with_client([&](Client& client) {
    if (message == nullptr) return fail(TRAPLINE_INVALID_ARGUMENT, "message is NULL");
    Client::Capture capture;
    capture.level = level_word(level);
    capture.message = message;
    capture.stack = trapline::sdk::capture_stack(caller);
    return hand_out_id(client.capture(std::move(capture)), event_id);
  });
}

trapline_status trapline_capture_exception(const trapline_exception* chain, size_t count, char* event_id) {
  const void* caller = __builtin_return_address(0);
  return with_client([&](Client& client) {
    if (chain == nullptr || count == 0) return fail(TRAPLINE_INVALID_ARGUMENT, "the chain has no exception");
    Client::Capture capture;
    capture.level = "error";
    for (size_t index = 0; index < std::min(count, kMostExceptions); ++index) {
      const trapline_exception& exception = chain[index];
      const bool has_type = exception.type != nullptr && *exception.type != '\0';
      capture.exceptions.push_back({has_type ? exception.type : "Error", text_or_empty(exception.value),
                                    has_type && exception.type_is_mangled != 0});
    }
    capture.stack = trapline::sdk::capture_stack(caller);
    return hand_out_id(client.capture(std::move(capture)), event_id);
  });
}

trapline_status trapline_set_tag(const char* key, const char* value) {
  return with_client([&](Client& client) {
    if (key == nullptr || *key == '\0') return fail(TRAPLINE_INVALID_ARGUMENT, "the tag's key is empty");
    const bool has_room = client.change_scope([&](trapline::sdk::Scope& scope) {
      if (value != nullptr) return scope.set_tag(key, value);
      scope.remove_tag(key);
      return true;
    });
    if (!has_room) return fail(TRAPLINE_DROPPED, "there are 100 tags already: remove one first");
    return TRAPLINE_OK;
  });
}

trapline_status trapline_set_user(const trapline_user* user) {
  return with_client([&](Client& client) {
    trapline::core::User copy;
    if (user != nullptr) {
      copy = {text_or_empty(user->id), text_or_empty(user->email), text_or_empty(user->username),
              text_or_empty(user->ip_address)};
    }
    client.change_scope([&](trapline::sdk::Scope& scope) { scope.set_user(std::move(copy)); });
    return TRAPLINE_OK;
  });
}

trapline_status trapline_add_breadcrumb(const trapline_breadcrumb* breadcrumb) {
  return with_client([&](Client& client) {
    if (breadcrumb == nullptr) return fail(TRAPLINE_INVALID_ARGUMENT, "breadcrumb is NULL");
    trapline::core::Breadcrumb copy{trapline::core::system_clock().unix_millis(), text_or_empty(breadcrumb->type),
                                    text_or_empty(breadcrumb->category), text_or_empty(breadcrumb->message),
                                    level_word(breadcrumb->level)};
    client.change_scope([&](trapline::sdk::Scope& scope) { scope.add_breadcrumb(std::move(copy)); });
    return TRAPLINE_OK;
  });
}

trapline_status trapline_flush(uint32_t timeout_ms) {
  return with_client([&](Client& client) {
    if (client.flush(std::chrono::milliseconds(timeout_ms))) return TRAPLINE_OK;
    return fail(TRAPLINE_TIMEOUT, "not all events were sent in " + std::to_string(timeout_ms) + " ms");
  });
}

trapline_status trapline_shutdown(uint32_t timeout_ms) {
  return guarded([&] {
    const auto client = trapline::sdk::remove_current_client();
    if (!client) return fail(TRAPLINE_NOT_INITIALISED, "the SDK is not running");
    if (client->stop(std::chrono::milliseconds(timeout_ms))) return TRAPLINE_OK;
    return fail(TRAPLINE_TIMEOUT, std::to_string(client->counts().dropped_shutdown) + " events could not be sent in " +
                                      std::to_string(timeout_ms) + " ms and were dropped");
  });
}

trapline_status trapline_get_stats(trapline_stats* stats) {
  return with_client([&](Client& client) {
    if (stats == nullptr) return fail(TRAPLINE_INVALID_ARGUMENT, "stats is NULL");
    const trapline::sdk::SenderCounts counts = client.counts();
    *stats = {counts.captured,           counts.delivered,        counts.rejected,
              counts.dropped_queue_full, counts.dropped_shutdown, counts.queued};
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
