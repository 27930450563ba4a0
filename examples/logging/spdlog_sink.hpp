#pragma once

/// A sink for spdlog: what is logged becomes breadcrumbs, and from a level on events.

#include <mutex>
#include <string>

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <trapline/trapline.hpp>

template <class Mutex>
class TraplineSink final : public spdlog::sinks::base_sink<Mutex> {
 public:
  explicit TraplineSink(spdlog::level::level_enum events_from = spdlog::level::err) : events_from_(events_from) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string text(message.payload.begin(), message.payload.end());
    const std::string logger(message.logger_name.begin(), message.logger_name.end());
    if (message.level < events_from_) {
      trapline::add_breadcrumb({"log", logger, text, level_of(message.level)});
      return;
    }
    trapline::Event event;
    event.level = level_of(message.level);
    event.message = text;
    event.logger = logger;
    event.with_stack = true;
    trapline::capture_event(event);
  }
  void flush_() override {}

 private:
  static trapline::Level level_of(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::critical:
        return trapline::Level::fatal;
      case spdlog::level::err:
        return trapline::Level::error;
      case spdlog::level::warn:
        return trapline::Level::warning;
      case spdlog::level::info:
        return trapline::Level::info;
      default:
        return trapline::Level::debug;
    }
  }

  spdlog::level::level_enum events_from_;
};

using TraplineSinkMt = TraplineSink<std::mutex>;
