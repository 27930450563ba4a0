#include "sdk/core/event_json.h"

#include <array>
#include <cinttypes>
#include <cstdio>

#include "sdk/core/json_writer.h"
#include "sdk/core/timestamp.h"

namespace trapline::core {
namespace {

std::string hex_address(std::uintptr_t address) {
  std::array<char, 24> text{};
  const int length = std::snprintf(text.data(), text.size(), "0x%" PRIxPTR, address);
  return {text.data(), static_cast<std::size_t>(length)};
}

void write_frame(JsonWriter& json, const Frame& frame) {
  json.begin_object();
  json.key("instruction_addr").text(hex_address(frame.address));
  json.optional_text("function", frame.function);
  if (!frame.file.empty()) {
    json.key("filename").text(frame.file.substr(frame.file.rfind('/') + 1));
    json.key("abs_path").text(frame.file);
  }
  if (frame.line > 0) json.key("lineno").number(frame.line);
  if (!frame.module_path.empty()) {
    json.key("package").text(frame.module_path);
    json.key("image_addr").text(hex_address(frame.module_base));
  }
  json.key("in_app").boolean(frame.is_in_app);
  json.end_object();
}

/// On the wire the oldest call stands first.
void write_stacktrace(JsonWriter& json, const std::vector<Frame>& frames) {
  json.key("stacktrace").begin_object().key("frames").begin_array();
  for (std::size_t index = frames.size(); index > 0; --index) write_frame(json, frames[index - 1]);
  json.end_array().end_object();
}

/// On the wire the oldest cause stands first; the stack belongs to what was caught, which is last.
void write_exceptions(JsonWriter& json, const Event& event) {
  json.key("exception").begin_object().key("values").begin_array();
  for (std::size_t index = event.exceptions.size(); index > 0; --index) {
    const Exception& exception = event.exceptions[index - 1];
    const bool is_caught = index == 1;
    json.begin_object();
    json.key("type").text(exception.type);
    json.key("value").text(exception.value);
    json.key("mechanism").begin_object();
    json.key("type").text(is_caught ? std::string_view(event.mechanism) : "chained");
    json.key("handled").boolean(event.is_handled);
    json.key("exception_id").number(static_cast<std::int64_t>(index - 1));
    if (!is_caught) json.key("parent_id").number(static_cast<std::int64_t>(index - 2));
    json.end_object();
    if (is_caught) {
      json.key("thread_id").number(static_cast<std::int64_t>(event.thread_id));
      if (!event.frames.empty()) write_stacktrace(json, event.frames);
    }
    json.end_object();
  }
  json.end_array().end_object();
}

/// The thread that captured; it carries the stack where there is no exception to carry it.
void write_thread(JsonWriter& json, const Event& event) {
  json.key("threads").begin_object().key("values").begin_array().begin_object();
  json.key("id").number(static_cast<std::int64_t>(event.thread_id));
  json.optional_text("name", event.thread_name);
  json.key("current").boolean(true);
  json.key("crashed").boolean(!event.is_handled);
  if (event.exceptions.empty() && !event.frames.empty()) write_stacktrace(json, event.frames);
  json.end_object().end_array().end_object();
}

void write_breadcrumbs(JsonWriter& json, const Event& event) {
  if (event.breadcrumbs.empty()) return;
  json.key("breadcrumbs").begin_object().key("values").begin_array();
  for (const Breadcrumb& breadcrumb : event.breadcrumbs) {
    json.begin_object();
    json.key("timestamp").text(format_timestamp(breadcrumb.timestamp));
    json.optional_text("type", breadcrumb.type);
    json.optional_text("category", breadcrumb.category);
    json.optional_text("message", breadcrumb.message);
    json.key("level").text(breadcrumb.level);
    json.end_object();
  }
  json.end_array().end_object();
}

void write_user(JsonWriter& json, const User& user) {
  const bool is_known = !(user.id.empty() && user.email.empty() && user.username.empty() && user.ip_address.empty());
  if (!is_known) return;
  json.key("user").begin_object();
  json.optional_text("id", user.id).optional_text("email", user.email);
  json.optional_text("username", user.username).optional_text("ip_address", user.ip_address);
  json.end_object();
}

void write_contexts(JsonWriter& json, const ProcessFacts& facts) {
  json.key("contexts").begin_object();
  json.key("os").begin_object();
  json.optional_text("name", facts.os_name).optional_text("version", facts.os_version).end_object();
  json.key("device").begin_object().optional_text("arch", facts.architecture).end_object();
  json.end_object();
}

void write_modules(JsonWriter& json, const Event& event) {
  if (event.modules.empty()) return;
  json.key("debug_meta").begin_object().key("images").begin_array();
  for (const Module& module : event.modules) {
    json.begin_object();
    json.key("type").text("elf");
    json.key("code_file").text(module.path);
    json.optional_text("code_id", module.build_id).optional_text("debug_id", debug_id_of(module.build_id));
    json.key("image_addr").text(hex_address(module.base));
    json.key("image_size").number(static_cast<std::int64_t>(module.size));
    json.end_object();
  }
  json.end_array().end_object();
}

}  // namespace

std::string debug_id_of(const std::string& build_id) {
  constexpr std::size_t kDigits = 32;
  if (build_id.size() < kDigits) return {};
  // Positions of the bytes' hex digits, in a UUID's order: 4 + 2 + 2 bytes reversed, the rest as they stand.
  constexpr std::array<std::size_t, 16> kOrder = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  std::string id;
  for (std::size_t index = 0; index < kOrder.size(); ++index) {
    if (index == 4 || index == 6 || index == 8 || index == 10) id += '-';
    id += build_id.substr(kOrder[index] * 2, 2);
  }
  return id;
}

std::string to_json(const Event& event, const ProcessFacts& facts) {
  JsonWriter json;
  json.begin_object();
  json.key("event_id").text(event.event_id);
  json.key("timestamp").text(format_timestamp(event.timestamp));
  json.key("platform").text("native");
  json.key("level").text(event.level);
  json.optional_text("release", facts.release).optional_text("environment", facts.environment);
  json.optional_text("server_name", facts.server_name);
  json.key("sdk").begin_object().key("name").text("trapline.native").key("version").text(TRAPLINE_VERSION).end_object();
  json.optional_text("message", event.message);
  if (!event.exceptions.empty()) write_exceptions(json, event);
  write_thread(json, event);
  write_breadcrumbs(json, event);
  if (!event.tags.empty()) {
    json.key("tags").begin_object();
    for (const auto& [key, value] : event.tags) json.key(key).text(value);
    json.end_object();
  }
  write_user(json, event.user);
  write_contexts(json, facts);
  write_modules(json, event);
  json.end_object();
  return json.take();
}

}  // namespace trapline::core
