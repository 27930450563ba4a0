#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/core/scrubber.h"
#include "sdk/delivery/sqlite_buffer.h"
#include "sdk/recorder/breadcrumb.h"
#include "sdk/stack/readable_stack.h"

namespace trapline::sdk {

/// What a sampling callback is asked about. The texts are borrowed for the call.
struct SamplingQuestion {
  std::uint8_t level = 3;    ///< trapline_level
  std::string_view type;     ///< of the exception caught first, perhaps mangled; empty for a message
  std::string_view message;  ///< of the event, or what the exception says
};

struct Hooks {
  /// The probability, 0 to 1, with which the event is kept. Caller's thread.
  std::function<double(const SamplingQuestion&)> sample;
  /// The event's JSON before it is scrubbed; its replacement, or nothing to drop it. Worker thread.
  std::function<std::optional<std::string>(const std::string&)> before_send;
  /// May change the breadcrumb; false drops it. Texts put in must live until the call returns to the SDK's caller.
  /// Caller's thread.
  std::function<bool(BreadcrumbView&)> before_breadcrumb;
};

struct PolicyOptions {
  double sample_rate = 1.0;
  std::vector<std::string>
      ignored;                     ///< patterns with * for any text, against the type, the message and "type: message"
  double events_per_second = 100;  ///< 0: no limit
  double burst = 1'000;
  std::chrono::milliseconds repeat_window{5'000};  ///< 0: identical errors are not gathered
  std::uint32_t identical_per_minute = 0;          ///< after so many identical errors in a minute … 0: no such rule
  double identical_rate = 0.1;                     ///< … this part of the others is kept
};

enum class Protocol : std::uint8_t { kTrapline, kSentry };

struct ClientOptions {
  std::string dsn;
  std::string release;
  std::string environment;
  std::string dist;
  std::string server_name;
  std::optional<std::string> data_folder;  ///< nothing: the default one; empty: memory only
  std::size_t recorder_bytes = std::size_t{4} << 20;
  std::size_t max_breadcrumbs = 100;
  std::chrono::milliseconds hang_timeout{0};  ///< 0: nobody watches
  std::string crash_helper;                   ///< its program; empty: looked for
  ReadingRules reading;
  PolicyOptions policy;
  BufferLimits buffer;
  core::ScrubOptions scrub;
  std::string proxy;
  std::string ca_file;
  Hooks hooks;
  bool uses_host_name = true;
  bool captures_uncaught = true;
  bool captures_crashes = true;
  bool remembers_throws = true;
  bool reaches_threads = true;
  bool reports_abnormal_exit = false;
  bool uses_crash_helper = false;
  bool sends_minidump = false;
  bool recovers_only_crashes = false;  ///< of what other processes have left
  bool debug = false;
  bool attaches_stack_to_messages = false;
  bool tracks_session = false;
  bool sends_default_pii = false;
  bool requires_consent = false;
  Protocol protocol = Protocol::kTrapline;
};

}  // namespace trapline::sdk
