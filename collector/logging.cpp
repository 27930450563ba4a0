#include "collector/logging.h"

#include <chrono>
#include <memory>

#include <nlohmann/json.hpp>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

/// Stands before a message that carries fields; spdlog has only text, so they come as JSON behind it.
constexpr char kFieldsMark = '\x1e';  // ASCII's record separator

std::string to_text(const json& line) { return line.dump(-1, ' ', false, json::error_handler_t::replace); }

class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(bool is_json) : is_json_(is_json) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& output) override {
    const std::string_view payload(message.payload.data(), message.payload.size());
    json fields = json::object();
    std::string sentence(payload);
    if (payload.starts_with(kFieldsMark)) {
      fields = json::parse(payload.substr(1));
      sentence = fields.at("msg").get<std::string>();
      fields.erase("msg");
    }
    const auto since_epoch = message.time.time_since_epoch();
    const std::string time =
        core::format_timestamp(std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
    const auto level = spdlog::level::to_string_view(message.level);
    const std::string line = is_json_ ? json_line(time, {level.data(), level.size()}, sentence, fields)
                                      : plain_line(time, {level.data(), level.size()}, sentence, fields);
    output.append(line.data(), line.data() + line.size());
  }

  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(is_json_);
  }

 private:
  static std::string json_line(const std::string& time, std::string_view level, const std::string& sentence,
                               const json& fields) {
    // Time, level and sentence first, whatever the fields are called.
    std::string line =
        R"({"time":")" + time + R"(","level":")" + std::string(level) + R"(","msg":)" + to_text(sentence);
    for (const auto& [name, value] : fields.items()) line += "," + to_text(name) + ":" + to_text(value);
    return line + "}\n";
  }

  static std::string plain_line(const std::string& time, std::string_view level, const std::string& sentence,
                                const json& fields) {
    std::string line = time + " " + std::string(level) + " " + sentence;
    for (const auto& [name, value] : fields.items()) line += " " + name + "=" + value.get<std::string>();
    return line + "\n";
  }

  bool is_json_;
};

}  // namespace

void start_logging() {
  auto logger = std::make_shared<spdlog::logger>("trapline", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::make_unique<LineFormatter>(isatty(STDERR_FILENO) == 0));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

void log_with_fields(std::string_view message, std::initializer_list<std::pair<std::string_view, std::string>> fields) {
  json line = {{"msg", message}};
  for (const auto& [name, value] : fields) line[std::string(name)] = value;
  spdlog::info("{}", kFieldsMark + to_text(line));
}

}  // namespace trapline::collector
