#include "sdk/client/options_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

/// What a hook is handed.
struct trapline_hook_event {
  std::string json;
};

const char* trapline_hook_event_json(const trapline_hook_event* event) {
  return event != nullptr ? event->json.c_str() : "";
}

void trapline_hook_event_set_json(trapline_hook_event* event, const char* json) {
  if (event != nullptr && json != nullptr) event->json = json;
}

namespace trapline::sdk {
namespace {

std::string text(const char* value) { return value != nullptr ? value : ""; }

std::vector<std::string> texts(const char* const* values, std::size_t count) {
  std::vector<std::string> list;
  for (std::size_t index = 0; values != nullptr && index < count; ++index) list.push_back(text(values[index]));
  return list;
}

Hooks read_hooks(const trapline_options& raw) {
  Hooks hooks;
  void* const data = raw.hook_data;
  if (const auto sampler = raw.sampler) {
    hooks.sample = [sampler, data](const SamplingQuestion& question) {
      const std::string type(question.type);
      const std::string message(question.message);
      const trapline_sampling asked{static_cast<trapline_level>(question.level), type.c_str(), message.c_str()};
      return sampler(&asked, data);
    };
  }
  if (const auto before_send = raw.before_send) {
    hooks.before_send = [before_send, data](const std::string& json) -> std::optional<std::string> {
      trapline_hook_event event{json};
      if (before_send(&event, data) == 0) return std::nullopt;
      return std::move(event.json);
    };
  }
  if (const auto before_breadcrumb = raw.before_breadcrumb) {
    hooks.before_breadcrumb = [before_breadcrumb, data](BreadcrumbView& view) {
      // Views of the app's own texts end where those do, in NUL.
      trapline_breadcrumb breadcrumb{view.type.data(), view.category.data(), view.message.data(),
                                     static_cast<trapline_level>(view.level), view.data.data()};
      if (before_breadcrumb(&breadcrumb, data) == 0) return false;
      const auto changed = [](const char* value) {
        return value != nullptr ? std::string_view(value) : std::string_view();
      };
      view.type = changed(breadcrumb.type);
      view.category = changed(breadcrumb.category);
      view.message = changed(breadcrumb.message);
      view.data = changed(breadcrumb.data);
      view.level = static_cast<std::uint8_t>(breadcrumb.level);
      return true;
    };
  }
  return hooks;
}

core::ScrubOptions read_scrub_options(const trapline_options& raw) {
  core::ScrubOptions scrub;
  const auto is_on = [&](unsigned rule) { return (raw.scrub_off & rule) == 0; };
  scrub.rules.emails = is_on(TRAPLINE_SCRUB_EMAILS);
  scrub.rules.ip_addresses = is_on(TRAPLINE_SCRUB_IP_ADDRESSES);
  scrub.rules.cards = is_on(TRAPLINE_SCRUB_CARDS);
  scrub.rules.tokens = is_on(TRAPLINE_SCRUB_TOKENS);
  scrub.rules.url_credentials = is_on(TRAPLINE_SCRUB_URL_CREDENTIALS);
  scrub.rules.assignments = is_on(TRAPLINE_SCRUB_ASSIGNMENTS);
  scrub.rules.national_ids = is_on(TRAPLINE_SCRUB_NATIONAL_IDS);
  scrub.further_keys = texts(raw.scrub_keys, raw.scrub_key_count);
  scrub.allowed_keys = texts(raw.scrub_allowed_keys, raw.scrub_allowed_key_count);
  for (std::size_t index = 0; raw.scrub_patterns != nullptr && index < raw.scrub_pattern_count; ++index) {
    scrub.patterns.push_back({text(raw.scrub_patterns[index].name), text(raw.scrub_patterns[index].expression)});
  }
  return scrub;
}

PolicyOptions read_policy(const trapline_options& raw) {
  PolicyOptions policy;
  policy.sample_rate = raw.sample_rate;
  policy.ignored = texts(raw.ignore, raw.ignore_count);
  policy.events_per_second = raw.max_events_per_second;
  policy.burst = raw.max_burst;
  policy.repeat_window = std::chrono::milliseconds(raw.repeat_window_ms);
  policy.identical_per_minute = raw.identical_per_minute;
  policy.identical_rate = raw.identical_rate;
  return policy;
}

}  // namespace

core::Result<ClientOptions> read_options(const trapline_options* options) {
  const core::Error begin_with_init{"invalid_option", "begin with TRAPLINE_OPTIONS_INIT"};
  if (options == nullptr) return core::Error{"invalid_option", "options is NULL: " + begin_with_init.message};
  // A program that was compiled with an older header knows fewer fields: the others have their defaults.
  constexpr std::size_t kSmallest = offsetof(trapline_options, dist);
  if (options->size < kSmallest || options->size > sizeof(trapline_options)) {
    return core::Error{"invalid_option", "options.size is " + std::to_string(options->size) + ", not between " +
                                             std::to_string(kSmallest) + " and " +
                                             std::to_string(sizeof(trapline_options)) + ": " + begin_with_init.message +
                                             ", of no newer version than the library"};
  }
  trapline_options raw = TRAPLINE_OPTIONS_INIT;
  std::memcpy(&raw, options, options->size);

  ClientOptions read;
  read.dsn = text(raw.dsn);
  read.release = text(raw.release);
  read.environment = text(raw.environment);
  read.dist = text(raw.dist);
  read.server_name = text(raw.server_name);
  read.uses_host_name = raw.server_name == nullptr;
  read.captures_uncaught = raw.capture_uncaught != 0;
  read.debug = raw.debug != 0;
  read.captures_crashes = raw.capture_crashes != 0;
  read.remembers_throws = raw.remember_throws != 0;
  read.reaches_threads = raw.reach_threads != 0;
  read.reading = {texts(raw.in_app_paths, raw.in_app_path_count),
                  texts(raw.not_in_app_paths, raw.not_in_app_path_count), raw.send_source_context != 0};
  read.sends_minidump = raw.send_minidump != 0;
  read.reports_abnormal_exit = raw.report_abnormal_exit != 0;
  read.hang_timeout = std::chrono::milliseconds(raw.hang_timeout_ms);
  read.uses_crash_helper = raw.use_crash_helper != 0;
  read.crash_helper = text(raw.crash_helper);
  if (raw.data_folder != nullptr) read.data_folder = raw.data_folder;
  read.recorder_bytes = raw.recorder_bytes;
  read.max_breadcrumbs = raw.max_breadcrumbs;
  read.attaches_stack_to_messages = raw.attach_stacktrace != 0;
  read.tracks_session = raw.track_session != 0;
  read.sends_default_pii = raw.send_default_pii != 0;
  read.requires_consent = raw.require_consent != 0;
  read.policy = read_policy(raw);
  read.buffer = {raw.buffer_max_bytes, raw.buffer_max_events, core::UnixMillis{raw.buffer_max_age_seconds} * 1'000};
  read.scrub = read_scrub_options(raw);
  read.protocol = raw.protocol == TRAPLINE_PROTOCOL_SENTRY ? Protocol::kSentry : Protocol::kTrapline;
  read.proxy = text(raw.proxy);
  read.ca_file = text(raw.ca_file);
  read.hooks = read_hooks(raw);
  return read;
}

}  // namespace trapline::sdk
