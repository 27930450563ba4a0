#ifndef TRAPLINE_TRAPLINE_HPP
#define TRAPLINE_TRAPLINE_HPP

/// libtrapline for C++17 and later: a header-only face on the C interface (trapline.h), which says what the functions
/// guarantee. Nothing here throws. Works with -fno-exceptions and -fno-rtti, too: then nested exceptions, and types,
/// are not seen.
///
///     trapline::init({.dsn = "https://<key>@errors.example.com/1", .release = "shop@1.4.2"});
///     try {
///       place_order();
///     } catch (const std::exception& error) {
///       trapline::capture_exception(error);
///     }
///     trapline::shutdown(std::chrono::seconds(2));
///
/// (Designated initialisers are C++20's; C++17 compilers take them with a warning, or fill the struct field by field.)

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include <trapline/trapline.h>

#if defined(__cpp_exceptions)
#define TRAPLINE_TRY try
#define TRAPLINE_CATCH_ALL catch (...)
#else
#define TRAPLINE_TRY if (true)
#define TRAPLINE_CATCH_ALL else
#endif

namespace trapline {

/// What a call came to: a status code and, when it failed, a sentence about why.
class Status {
 public:
  Status() = default;
  explicit Status(trapline_status code) noexcept : code_(code) {
    if (code == TRAPLINE_OK) return;
    TRAPLINE_TRY { message_ = trapline_last_error(); }
    TRAPLINE_CATCH_ALL {}  // no memory for the message: the code has to do
  }

  bool ok() const noexcept { return code_ == TRAPLINE_OK; }
  explicit operator bool() const noexcept { return ok(); }
  trapline_status code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }

 private:
  trapline_status code_ = TRAPLINE_OK;
  std::string message_;
};

enum class Level {
  debug = TRAPLINE_LEVEL_DEBUG,
  info = TRAPLINE_LEVEL_INFO,
  warning = TRAPLINE_LEVEL_WARNING,
  error = TRAPLINE_LEVEL_ERROR,
  fatal = TRAPLINE_LEVEL_FATAL
};

enum class Protocol { trapline = TRAPLINE_PROTOCOL_TRAPLINE, sentry = TRAPLINE_PROTOCOL_SENTRY };

enum class SessionEnd {
  healthy = TRAPLINE_SESSION_HEALTHY,
  errored = TRAPLINE_SESSION_ERRORED,
  crashed = TRAPLINE_SESSION_CRASHED,
  abnormal = TRAPLINE_SESSION_ABNORMAL
};

struct Breadcrumb {
  std::string type = {};
  std::string category = {};
  std::string message = {};
  Level level = Level::info;
  std::string data = {};  ///< a JSON object, or empty
};

struct Sampling {
  Level level;
  const char* type;
  const char* message;
};

struct ScrubPattern {
  std::string name;
  std::string expression;
};

/// See trapline_options. Empty texts mean "not given".
struct Options {
  std::string dsn;
  std::string release = {};
  std::string environment = {};
  std::string dist = {};
  std::string server_name = {};  ///< empty: the machine's host name
  bool send_server_name = true;
  bool capture_uncaught = true;
  bool capture_crashes = true;
  bool remember_throws = true;
  bool reach_threads = true;
  bool use_crash_helper = false;
  std::string crash_helper = {};
  bool report_abnormal_exit = false;
  std::chrono::milliseconds hang_timeout = {};  ///< 0: nobody watches
  bool send_source_context = false;
  std::vector<std::string> in_app_paths = {};
  std::vector<std::string> not_in_app_paths = {};
  bool send_minidump = false;
  bool debug = false;

  std::optional<std::string> data_folder = {};  ///< nothing: the default one; "": events live in memory only
  std::size_t recorder_bytes = std::size_t{4} << 20;
  std::size_t max_breadcrumbs = 100;
  std::uint64_t buffer_max_bytes = std::uint64_t{64} << 20;
  std::uint64_t buffer_max_events = 1'000'000;
  std::chrono::seconds buffer_max_age = std::chrono::hours(24 * 30);

  double sample_rate = 1.0;
  std::function<double(const Sampling&)> sampler = {};
  double max_events_per_second = 100;
  double max_burst = 1'000;
  std::chrono::milliseconds repeat_window = std::chrono::seconds(5);
  std::uint32_t identical_per_minute = 0;
  double identical_rate = 0.1;
  std::vector<std::string> ignore = {};
  /// The event's JSON; answer it, or another, or nothing to drop the event. Worker thread.
  std::function<std::optional<std::string>(const std::string& json)> before_send = {};
  /// May change the breadcrumb; false drops it. Calling thread.
  std::function<bool(Breadcrumb& breadcrumb)> before_breadcrumb = {};
  bool attach_stacktrace = false;

  bool send_default_pii = false;
  bool require_consent = false;
  unsigned scrub_off = 0;  ///< TRAPLINE_SCRUB_…
  std::vector<std::string> scrub_keys = {};
  std::vector<std::string> scrub_allowed_keys = {};
  std::vector<ScrubPattern> scrub_patterns = {};

  Protocol protocol = Protocol::trapline;
  std::string proxy = {};
  std::string ca_file = {};
  bool track_session = false;
};

struct User {
  std::string id = {};
  std::string email = {};
  std::string username = {};
  std::string ip_address = {};
};

namespace detail {

inline const char* text_or_null(const std::string& text) noexcept { return text.empty() ? nullptr : text.c_str(); }

inline std::uint32_t to_millis(std::chrono::milliseconds timeout) noexcept {
  constexpr std::int64_t most = (std::numeric_limits<std::uint32_t>::max)();
  return static_cast<std::uint32_t>((std::min)((std::max)(std::int64_t{timeout.count()}, std::int64_t{0}), most));
}

inline std::vector<const char*> pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> list;
  for (const std::string& text : texts) list.push_back(text.c_str());
  return list;
}

inline trapline_user raw(const User& user) noexcept {
  return {text_or_null(user.id), text_or_null(user.email), text_or_null(user.username), text_or_null(user.ip_address)};
}

/// Callables that the library calls through plain functions. They live until the next init.
struct Hooks {
  std::function<double(const Sampling&)> sampler;
  std::function<std::optional<std::string>(const std::string&)> before_send;
  std::function<bool(Breadcrumb&)> before_breadcrumb;
};
inline std::shared_ptr<Hooks>& hooks_in_force() {
  static auto* const hooks = new std::shared_ptr<Hooks>;  // never destroyed: the worker may use it at the very end
  return *hooks;
}

inline double call_sampler(const trapline_sampling* question, void* hooks) {
  return static_cast<Hooks*>(hooks)->sampler({static_cast<Level>(question->level), question->type, question->message});
}

inline int call_before_send(trapline_hook_event* event, void* hooks) {
  const std::optional<std::string> changed = static_cast<Hooks*>(hooks)->before_send(trapline_hook_event_json(event));
  if (!changed) return 0;
  trapline_hook_event_set_json(event, changed->c_str());
  return 1;
}

inline std::string text_or_empty(const char* text) { return text != nullptr ? text : ""; }

inline int call_before_breadcrumb(trapline_breadcrumb* raw, void* hooks) {
  // What the hook puts in must live until the breadcrumb was added, on this thread.
  thread_local Breadcrumb held;
  held = {text_or_empty(raw->type), text_or_empty(raw->category), text_or_empty(raw->message),
          static_cast<Level>(raw->level), text_or_empty(raw->data)};
  if (!static_cast<Hooks*>(hooks)->before_breadcrumb(held)) return 0;
  *raw = {text_or_null(held.type), text_or_null(held.category), text_or_null(held.message),
          static_cast<trapline_level>(held.level), text_or_null(held.data)};
  return 1;
}

/// The exceptions nested in `error`, itself first. Texts are copied, as nested exceptions live only while they are
/// caught.
class Chain {
 public:
  explicit Chain(const std::exception& error) { add(error, 0); }

  std::vector<trapline_exception> entries() const {
    std::vector<trapline_exception> entries;
    for (const Entry& entry : entries_)
      entries.push_back({entry.type.c_str(), entry.value.c_str(), entry.is_mangled ? 1 : 0});
    return entries;
  }

 private:
  struct Entry {
    std::string type;
    std::string value;
    bool is_mangled;
  };
  static constexpr int most_exceptions = 50;

  void add(const std::exception& error, int depth) {
#if defined(__cpp_rtti)
    entries_.push_back({typeid(error).name(), error.what(), true});
#else
    entries_.push_back({"std::exception", error.what(), false});
#endif
    if (depth + 1 >= most_exceptions) return;
#if defined(__cpp_exceptions) && defined(__cpp_rtti)
    try {
      std::rethrow_if_nested(error);
    } catch (const std::exception& nested) {
      add(nested, depth + 1);
    } catch (...) {
      entries_.push_back({"unknown", "an exception that is not a std::exception", false});
    }
#endif
  }

  std::vector<Entry> entries_;
};

inline Status init(const Options& options) {
  trapline_options raw = TRAPLINE_OPTIONS_INIT;
  raw.dsn = options.dsn.c_str();
  raw.release = text_or_null(options.release);
  raw.environment = text_or_null(options.environment);
  raw.dist = text_or_null(options.dist);
  raw.server_name = options.send_server_name ? text_or_null(options.server_name) : "";
  raw.capture_uncaught = options.capture_uncaught ? 1 : 0;
  raw.debug = options.debug ? 1 : 0;
  raw.data_folder = options.data_folder ? options.data_folder->c_str() : nullptr;
  raw.recorder_bytes = options.recorder_bytes;
  raw.max_breadcrumbs = options.max_breadcrumbs;
  raw.buffer_max_bytes = options.buffer_max_bytes;
  raw.buffer_max_events = options.buffer_max_events;
  raw.buffer_max_age_seconds = static_cast<std::uint32_t>(options.buffer_max_age.count());
  raw.sample_rate = options.sample_rate;
  raw.max_events_per_second = options.max_events_per_second;
  raw.max_burst = options.max_burst;
  raw.repeat_window_ms = to_millis(options.repeat_window);
  raw.identical_per_minute = options.identical_per_minute;
  raw.identical_rate = options.identical_rate;
  const std::vector<const char*> ignore = pointers(options.ignore);
  raw.ignore = ignore.data();
  raw.ignore_count = ignore.size();
  raw.attach_stacktrace = options.attach_stacktrace ? 1 : 0;
  raw.send_default_pii = options.send_default_pii ? 1 : 0;
  raw.require_consent = options.require_consent ? 1 : 0;
  raw.scrub_off = options.scrub_off;
  const std::vector<const char*> keys = pointers(options.scrub_keys);
  raw.scrub_keys = keys.data();
  raw.scrub_key_count = keys.size();
  const std::vector<const char*> allowed = pointers(options.scrub_allowed_keys);
  raw.scrub_allowed_keys = allowed.data();
  raw.scrub_allowed_key_count = allowed.size();
  std::vector<trapline_scrub_pattern> patterns;
  for (const ScrubPattern& pattern : options.scrub_patterns)
    patterns.push_back({pattern.name.c_str(), pattern.expression.c_str()});
  raw.scrub_patterns = patterns.data();
  raw.scrub_pattern_count = patterns.size();
  raw.protocol = static_cast<trapline_protocol>(options.protocol);
  raw.proxy = text_or_null(options.proxy);
  raw.ca_file = text_or_null(options.ca_file);
  raw.track_session = options.track_session ? 1 : 0;
  raw.capture_crashes = options.capture_crashes ? 1 : 0;
  raw.remember_throws = options.remember_throws ? 1 : 0;
  raw.reach_threads = options.reach_threads ? 1 : 0;
  raw.use_crash_helper = options.use_crash_helper ? 1 : 0;
  raw.crash_helper = text_or_null(options.crash_helper);
  raw.report_abnormal_exit = options.report_abnormal_exit ? 1 : 0;
  raw.hang_timeout_ms = to_millis(options.hang_timeout);
  raw.send_source_context = options.send_source_context ? 1 : 0;
  const std::vector<const char*> in_app = pointers(options.in_app_paths);
  raw.in_app_paths = in_app.data();
  raw.in_app_path_count = in_app.size();
  const std::vector<const char*> not_in_app = pointers(options.not_in_app_paths);
  raw.not_in_app_paths = not_in_app.data();
  raw.not_in_app_path_count = not_in_app.size();
  raw.send_minidump = options.send_minidump ? 1 : 0;

  auto hooks = std::make_shared<Hooks>(Hooks{options.sampler, options.before_send, options.before_breadcrumb});
  if (hooks->sampler) raw.sampler = call_sampler;
  if (hooks->before_send) raw.before_send = call_before_send;
  if (hooks->before_breadcrumb) raw.before_breadcrumb = call_before_breadcrumb;
  raw.hook_data = hooks.get();
  const Status status(trapline_init(&raw));
  if (status.ok()) hooks_in_force() = std::move(hooks);
  return status;
}

}  // namespace detail

/// Starts the SDK (trapline_init()). On failure the status says what is wrong, and everything else does nothing.
inline Status init(const Options& options) noexcept {
  TRAPLINE_TRY { return detail::init(options); }
  TRAPLINE_CATCH_ALL {}
  return Status(TRAPLINE_FAILED);  // no memory to pass the options on
}

/// Captures a message. Answers the event's id, or "" when it was not captured.
inline std::string capture_message(const std::string& message, Level level = Level::info) noexcept {
  std::array<char, TRAPLINE_EVENT_ID_SIZE> id{};
  const auto raw_level = static_cast<trapline_level>(level);
  return trapline_capture_message(raw_level, message.c_str(), id.data()) == TRAPLINE_OK ? id.data() : "";
}

/// Captures an exception with those nested in it (std::throw_with_nested) as its causes. Call it where it was caught.
/// Answers the event's id, or "" when it was not captured.
inline std::string capture_exception(const std::exception& error) noexcept {
  TRAPLINE_TRY {
    const detail::Chain chain(error);
    const std::vector<trapline_exception> entries = chain.entries();
    std::array<char, TRAPLINE_EVENT_ID_SIZE> id{};
    if (trapline_capture_exception(entries.data(), entries.size(), id.data()) == TRAPLINE_OK) return id.data();
  }
  TRAPLINE_CATCH_ALL {}  // no memory to unroll the chain
  return {};
}

/// What events carry, on top of what the process's scope holds (trapline.h, "Scopes"). Not thread-safe.
class Scope {
 public:
  Scope() noexcept : scope_(trapline_scope_new()), is_own_(true) {}
  /// The process's: the functions below change it for all further events. Thread-safe.
  static Scope global() noexcept { return Scope(nullptr); }
  ~Scope() {
    if (is_own_) trapline_scope_free(scope_);
  }
  Scope(Scope&& other) noexcept
      : scope_(std::exchange(other.scope_, nullptr)), is_own_(std::exchange(other.is_own_, false)) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  Scope& operator=(Scope&&) = delete;

  Status set_tag(const std::string& key, const std::string& value) noexcept {
    return Status(trapline_scope_set_tag(scope_, key.c_str(), value.c_str()));
  }
  Status remove_tag(const std::string& key) noexcept {
    return Status(trapline_scope_set_tag(scope_, key.c_str(), nullptr));
  }
  Status set_extra(const std::string& key, const std::string& text) noexcept {
    return Status(trapline_scope_set_extra(scope_, key.c_str(), text.c_str()));
  }
  Status set_extra_json(const std::string& key, const std::string& json) noexcept {
    return Status(trapline_scope_set_extra_json(scope_, key.c_str(), json.c_str()));
  }
  Status set_context(const std::string& name, const std::string& json) noexcept {
    return Status(trapline_scope_set_context(scope_, name.c_str(), json.c_str()));
  }
  Status set_user(const User& user) noexcept {
    const trapline_user raw = detail::raw(user);
    return Status(trapline_scope_set_user(scope_, &raw));
  }
  Status clear_user() noexcept { return Status(trapline_scope_set_user(scope_, nullptr)); }
  Status set_level(Level level) noexcept {
    return Status(trapline_scope_set_level(scope_, static_cast<trapline_level>(level)));
  }
  Status set_fingerprint(const std::vector<std::string>& parts) noexcept {
    TRAPLINE_TRY {
      const std::vector<const char*> raw = detail::pointers(parts);
      return Status(trapline_scope_set_fingerprint(scope_, raw.data(), raw.size()));
    }
    TRAPLINE_CATCH_ALL {}
    return Status(TRAPLINE_FAILED);
  }
  Status set_transaction(const std::string& name) noexcept {
    return Status(trapline_scope_set_transaction(scope_, detail::text_or_null(name)));
  }
  Status set_release(const std::string& release) noexcept {
    return Status(trapline_scope_set_release(scope_, detail::text_or_null(release)));
  }
  Status set_environment(const std::string& environment) noexcept {
    return Status(trapline_scope_set_environment(scope_, detail::text_or_null(environment)));
  }
  Status set_dist(const std::string& dist) noexcept {
    return Status(trapline_scope_set_dist(scope_, detail::text_or_null(dist)));
  }
  Status set_server_name(const std::string& name) noexcept {
    return Status(trapline_scope_set_server_name(scope_, detail::text_or_null(name)));
  }
  Status set_trace(const std::string& trace_id, const std::string& span_id) noexcept {
    return Status(trapline_scope_set_trace(scope_, detail::text_or_null(trace_id), detail::text_or_null(span_id)));
  }
  Status clear() noexcept { return Status(trapline_scope_clear(scope_)); }

  trapline_scope* get() const noexcept { return scope_; }

 private:
  friend class ScopeGuard;
  explicit Scope(trapline_scope* borrowed) noexcept : scope_(borrowed) {}

  trapline_scope* scope_;
  bool is_own_ = false;
};

/// A scope for what this thread does from here to the end of the block:
///
///     trapline::ScopeGuard scope;
///     scope->set_tag("order", id);
class ScopeGuard {
 public:
  ScopeGuard() noexcept : scope_(trapline_scope_push()) {}
  ~ScopeGuard() {
    if (scope_.get() != nullptr) trapline_scope_pop();
  }
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

  Scope* operator->() noexcept { return &scope_; }

 private:
  Scope scope_;
};

/// See trapline_event. Empty texts mean "not given".
struct Event {
  Level level = Level::error;
  std::string level_name = {};
  std::string message = {};
  std::string logger = {};
  std::string transaction = {};
  std::vector<std::string> fingerprint = {};
  const Scope* scope = nullptr;
  std::vector<trapline_attachment> attachments = {};
  bool with_stack = false;
};

/// Captures an event. Answers its id, or "" when it was not captured.
inline std::string capture_event(const Event& event) noexcept {
  TRAPLINE_TRY {
    trapline_event raw = TRAPLINE_EVENT_INIT;
    raw.level = static_cast<trapline_level>(event.level);
    raw.level_name = detail::text_or_null(event.level_name);
    raw.message = event.message.c_str();
    raw.logger = detail::text_or_null(event.logger);
    raw.transaction = detail::text_or_null(event.transaction);
    const std::vector<const char*> fingerprint = detail::pointers(event.fingerprint);
    raw.fingerprint = fingerprint.data();
    raw.fingerprint_count = fingerprint.size();
    raw.attachments = event.attachments.data();
    raw.attachment_count = event.attachments.size();
    raw.scope = event.scope != nullptr ? event.scope->get() : nullptr;
    raw.with_stack = event.with_stack ? 1 : 0;
    std::array<char, TRAPLINE_EVENT_ID_SIZE> id{};
    if (trapline_capture_event(&raw, id.data()) == TRAPLINE_OK) return id.data();
  }
  TRAPLINE_CATCH_ALL {}
  return {};
}

inline Status set_tag(const std::string& key, const std::string& value) noexcept {
  return Scope::global().set_tag(key, value);
}
inline Status remove_tag(const std::string& key) noexcept { return Scope::global().remove_tag(key); }
inline Status set_user(const User& user) noexcept { return Scope::global().set_user(user); }
inline Status clear_user() noexcept { return Scope::global().clear_user(); }

inline Status add_breadcrumb(const Breadcrumb& breadcrumb) noexcept {
  const trapline_breadcrumb raw{detail::text_or_null(breadcrumb.type), detail::text_or_null(breadcrumb.category),
                                detail::text_or_null(breadcrumb.message), static_cast<trapline_level>(breadcrumb.level),
                                detail::text_or_null(breadcrumb.data)};
  return Status(trapline_add_breadcrumb(&raw));
}

inline Status capture_feedback(const std::string& event_id, const std::string& comments, const std::string& name = {},
                               const std::string& email = {}) noexcept {
  return Status(trapline_capture_feedback(event_id.c_str(), detail::text_or_null(name), detail::text_or_null(email),
                                          comments.c_str()));
}

inline Status start_session() noexcept { return Status(trapline_start_session()); }
inline Status end_session(SessionEnd end = SessionEnd::healthy) noexcept {
  return Status(trapline_end_session(static_cast<trapline_session_end>(end)));
}
inline Status record_request_session(SessionEnd end) noexcept {
  return Status(trapline_record_request_session(static_cast<trapline_session_end>(end)));
}

inline Status set_consent(bool is_given) noexcept { return Status(trapline_set_consent(is_given ? 1 : 0)); }

inline Status flush(std::chrono::milliseconds timeout) noexcept {
  return Status(trapline_flush(detail::to_millis(timeout)));
}

inline Status shutdown(std::chrono::milliseconds timeout) noexcept {
  return Status(trapline_shutdown(detail::to_millis(timeout)));
}

}  // namespace trapline

#undef TRAPLINE_TRY
#undef TRAPLINE_CATCH_ALL

#endif
