#include "collector/http/log.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "sdk/core/timestamp.h"

namespace trapline::collector {

namespace {

using nlohmann::json;

/// Stands between message and fields on their way through spdlog, which knows only one text. No message has it: it is
/// the ASCII record separator.
constexpr char kFieldsFollow = '\x1e';

std::string print(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

/// Text without quotes, unless it has line breaks or the like, with which a sender could fake lines of the log.
std::string print_for_people(const json& value) {
  if (!value.is_string()) return print(value);
  const auto& text = value.get_ref<const std::string&>();
  const bool is_plain = std::none_of(text.begin(), text.end(), [](char letter) {
    const auto code = static_cast<unsigned char>(letter);
    return code < 0x20 || code == 0x7f;
  });
  return is_plain ? text : print(value);
}

class LineFormatter : public spdlog::formatter {
 public:
  explicit LineFormatter(LogForm form) : form_(form) {}

  void format(const spdlog::details::log_msg& entry, spdlog::memory_buf_t& target) override {
    const std::string_view payload(entry.payload.data(), entry.payload.size());
    const std::size_t separator = payload.find(kFieldsFollow);
    const json fields = separator == std::string_view::npos
                            ? json::object()
                            : json::parse(payload.substr(separator + 1), nullptr, /*allow_exceptions=*/false);
    const auto level = spdlog::level::to_string_view(entry.level);
    const auto since_epoch = std::chrono::duration_cast<std::chrono::milliseconds>(entry.time.time_since_epoch());
    const std::string line = format_log_line(form_, core::format_timestamp(since_epoch.count()),
                                             {level.data(), level.size()}, payload.substr(0, separator), fields);
    target.append(line.data(), line.data() + line.size());
    target.push_back('\n');
  }

  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(form_);
  }

 private:
  LogForm form_;
};

}  // namespace

void start_logging(LogForm form) {
  auto logger = std::make_shared<spdlog::logger>("collector", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::make_unique<LineFormatter>(form));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

LogForm log_form_for_stderr() { return isatty(STDERR_FILENO) == 1 ? LogForm::kText : LogForm::kJson; }

void log_event(Severity severity, std::string_view message, const json& fields) {
  std::string entry(message);
  if (!fields.empty()) entry += kFieldsFollow + print(fields);
  switch (severity) {
    case Severity::kInfo:
      spdlog::default_logger_raw()->log(spdlog::level::info, entry);
      break;
    case Severity::kWarning:
      spdlog::default_logger_raw()->log(spdlog::level::warn, entry);
      break;
    case Severity::kError:
      spdlog::default_logger_raw()->log(spdlog::level::err, entry);
      break;
  }
}

std::string format_log_line(LogForm form, std::string_view time, std::string_view level, std::string_view message,
                            const json& fields) {
  if (form == LogForm::kJson) {
    // Ordered, so that a person who reads the raw lines finds time and message first.
    nlohmann::ordered_json line = {{"time", time}, {"level", level}, {"msg", message}};
    for (const auto& [key, value] : fields.items()) line[key] = value;
    return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  }
  std::string line = std::string(time) + ' ' + std::string(level) + ' ' + std::string(message);
  for (const auto& [key, value] : fields.items()) {
    line += "  " + key + '=' + print_for_people(value);
  }
  return line;
}

}  // namespace trapline::collector
