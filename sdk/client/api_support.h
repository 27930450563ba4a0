#pragma once

/// What the files of the C interface (c_api.cpp, scope_api.cpp, …) have in common. Nothing may be thrown out of it:
/// every function runs inside guarded().

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <trapline/trapline.h>

#include "sdk/client/client.h"
#include "sdk/client/current_client.h"

namespace trapline::sdk::api {

/// The calling thread's.
std::string& last_error();

inline trapline_status fail(trapline_status status, std::string message) {
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

trapline_status not_running();

/// Runs `work` with the process's client.
template <class Work>
trapline_status with_client(Work work) noexcept {
  return guarded([&] {
    const ClientInUse client;
    return client.get() != nullptr ? work(*client.get()) : not_running();
  });
}

/// The same for calls that may take long.
template <class Work>
trapline_status with_kept_client(Work work) noexcept {
  return guarded([&] {
    const auto client = current_client();
    return client ? work(*client) : not_running();
  });
}

inline std::string_view view(const char* text) { return text != nullptr ? std::string_view(text) : std::string_view(); }
inline std::string text_or_empty(const char* text) { return text != nullptr ? text : ""; }

inline std::uint8_t level_number(trapline_level level) {
  return level >= TRAPLINE_LEVEL_DEBUG && level <= TRAPLINE_LEVEL_FATAL
             ? static_cast<std::uint8_t>(level)
             : static_cast<std::uint8_t>(TRAPLINE_LEVEL_ERROR);
}

/// Answers what a capture came to; writes the id where there is room for it.
trapline_status hand_out(const CaptureResult& result, char* event_id);

}  // namespace trapline::sdk::api
