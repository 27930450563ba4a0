#ifndef TRAPLINE_TRAPLINE_HPP
#define TRAPLINE_TRAPLINE_HPP

/// libtrapline for C++17 and later: a header-only face on the C interface (trapline.h), which says what the functions
/// guarantee. Nothing here throws.
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
#include <limits>
#include <string>
#include <typeinfo>
#include <vector>

#include <trapline/trapline.h>

namespace trapline {

/// What a call came to: a status code and, when it failed, a sentence about why.
class Status {
 public:
  Status() = default;
  explicit Status(trapline_status code) noexcept : code_(code) {
    if (code == TRAPLINE_OK) return;
    try {
      message_ = trapline_last_error();
    } catch (...) {  // no memory for the message: the code has to do
    }
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

/// See trapline_options. Empty texts mean "not given".
struct Options {
  std::string dsn;
  std::string release = {};
  std::string environment = {};
  std::string server_name = {};  ///< empty: the machine's host name
  bool send_server_name = true;
  bool capture_uncaught = true;
  bool debug = false;
};

struct User {
  std::string id = {};
  std::string email = {};
  std::string username = {};
  std::string ip_address = {};
};

struct Breadcrumb {
  std::string type = {};
  std::string category = {};
  std::string message = {};
  Level level = Level::info;
};

namespace detail {

inline const char* text_or_null(const std::string& text) noexcept { return text.empty() ? nullptr : text.c_str(); }

inline std::uint32_t to_millis(std::chrono::milliseconds timeout) noexcept {
  constexpr std::int64_t most = (std::numeric_limits<std::uint32_t>::max)();
  return static_cast<std::uint32_t>((std::min)((std::max)(std::int64_t{timeout.count()}, std::int64_t{0}), most));
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
    entries_.push_back({typeid(error).name(), error.what(), true});
    if (depth + 1 >= most_exceptions) return;
    try {
      std::rethrow_if_nested(error);
    } catch (const std::exception& nested) {
      add(nested, depth + 1);
    } catch (...) {
      entries_.push_back({"unknown", "an exception that is not a std::exception", false});
    }
  }

  std::vector<Entry> entries_;
};

}  // namespace detail

/// Starts the SDK (trapline_init()). On failure the status says what is wrong, and everything else does nothing.
inline Status init(const Options& options) noexcept {
  trapline_options raw = TRAPLINE_OPTIONS_INIT;
  raw.dsn = options.dsn.c_str();
  raw.release = detail::text_or_null(options.release);
  raw.environment = detail::text_or_null(options.environment);
  raw.server_name = options.send_server_name ? detail::text_or_null(options.server_name) : "";
  raw.capture_uncaught = options.capture_uncaught ? 1 : 0;
  raw.debug = options.debug ? 1 : 0;
  return Status(trapline_init(&raw));
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
  try {
    const detail::Chain chain(error);
    const std::vector<trapline_exception> entries = chain.entries();
    std::array<char, TRAPLINE_EVENT_ID_SIZE> id{};
    return trapline_capture_exception(entries.data(), entries.size(), id.data()) == TRAPLINE_OK ? id.data() : "";
  } catch (...) {  // no memory to unroll the chain
    return {};
  }
}

inline Status set_tag(const std::string& key, const std::string& value) noexcept {
  return Status(trapline_set_tag(key.c_str(), value.c_str()));
}
inline Status remove_tag(const std::string& key) noexcept { return Status(trapline_set_tag(key.c_str(), nullptr)); }

inline Status set_user(const User& user) noexcept {
  const trapline_user raw{detail::text_or_null(user.id), detail::text_or_null(user.email),
                          detail::text_or_null(user.username), detail::text_or_null(user.ip_address)};
  return Status(trapline_set_user(&raw));
}
inline Status clear_user() noexcept { return Status(trapline_set_user(nullptr)); }

inline Status add_breadcrumb(const Breadcrumb& breadcrumb) noexcept {
  const trapline_breadcrumb raw{detail::text_or_null(breadcrumb.type), detail::text_or_null(breadcrumb.category),
                                detail::text_or_null(breadcrumb.message),
                                static_cast<trapline_level>(breadcrumb.level)};
  return Status(trapline_add_breadcrumb(&raw));
}

inline Status flush(std::chrono::milliseconds timeout) noexcept {
  return Status(trapline_flush(detail::to_millis(timeout)));
}

inline Status shutdown(std::chrono::milliseconds timeout) noexcept {
  return Status(trapline_shutdown(detail::to_millis(timeout)));
}

}  // namespace trapline

#endif
