#pragma once

/// Structured logs on standard error: lines for people on a terminal, JSON objects otherwise. Everything that is
/// logged through spdlog comes out in the same form.

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace trapline::collector {

enum class LogForm { kText, kJson };

/// Sets the process's default logger up. Call once, before threads start.
void start_logging(LogForm form);

/// kText when standard error is a terminal.
LogForm log_form_for_stderr();

enum class Severity { kInfo, kWarning, kError };

/// One line: `message` in a few words that stay the same, what varies in `fields` (a JSON object). Any thread.
void log_event(Severity severity, std::string_view message, const nlohmann::json& fields = nlohmann::json::object());

/// The line's text, without the newline: {"time","level","msg",<fields>} or "<time> level  message  key=value".
std::string format_log_line(LogForm form, std::string_view time, std::string_view level, std::string_view message,
                            const nlohmann::json& fields);

}  // namespace trapline::collector
