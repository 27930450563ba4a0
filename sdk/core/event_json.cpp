#include "sdk/core/event_json.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "sdk/core/json_writer.h"
#include "sdk/core/timestamp.h"

namespace trapline::core {
namespace {

std::string hex_address(std::uintptr_t address) {
  std::array<char, 2 + sizeof address * 2> text{'0', 'x'};
  const auto [end, error] = std::to_chars(text.data() + 2, text.data() + text.size(), address, 16);
  return {text.data(), end};  // short enough to need no memory of its own, but for kernels' addresses
}

void write_source(JsonWriter& json, const SourceLines& source) {
  const auto write_lines = [&](std::string_view key, const std::vector<std::string>& lines) {
    json.key(key).begin_array();
    for (const std::string& line : lines) json.text(line);
    json.end_array();
  };
  write_lines("pre_context", source.before);
  json.key("context_line").text(source.line);
  write_lines("post_context", source.after);
}

void write_frame(JsonWriter& json, const Frame& frame) {
  json.begin_object();
  json.key("instruction_addr").text(hex_address(frame.address - 1));
  json.optional_text("function", frame.function);
  if (!frame.file.empty()) {
    json.key("filename").text(frame.file.substr(frame.file.rfind('/') + 1));
    json.key("abs_path").text(frame.file);
  }
  if (frame.line > 0) json.key("lineno").number(frame.line);
  if (frame.source != nullptr) write_source(json, *frame.source);
  if (!frame.module_path.empty()) {
    json.key("package").text(frame.module_path);
    json.key("image_addr").text(hex_address(frame.module_base));
  }
  json.key("in_app").boolean(frame.is_in_app);
  json.end_object();
}

/// On the wire the oldest call stands first, and addresses are those of the calls themselves.
void begin_stacktrace(JsonWriter& json, const std::vector<Frame>& frames) {
  json.key("stacktrace").begin_object().key("frames").begin_array();
  for (std::size_t index = frames.size(); index > 0; --index) write_frame(json, frames[index - 1]);
  json.end_array().key("instruction_addr_adjustment").text("none");
}

void write_stacktrace(JsonWriter& json, const std::vector<Frame>& frames) {
  begin_stacktrace(json, frames);
  json.end_object();
}

/// The event's own, with what is known of it besides.
void write_own_stacktrace(JsonWriter& json, const Event& event) {
  begin_stacktrace(json, event.frames);
  if (event.frames_omitted > 0) {
    // Counted from the oldest: where the first that is left out would stand, and the first that is there again.
    const auto begin = static_cast<std::int64_t>(event.frames.size() - event.frames_omitted_after);
    json.key("frames_omitted").begin_array().number(begin);
    json.number(begin + static_cast<std::int64_t>(event.frames_omitted)).end_array();
  }
  if (!event.registers.empty()) {
    json.key("registers").begin_object();
    for (const auto& [name, value] : event.registers) json.key(name).text(hex_address(value));
    json.end_object();
  }
  json.end_object();
}

/// How the event came about (the payload's `mechanism`), with the signal.
void write_signal(JsonWriter& json, const Signal& signal) {
  if (signal.number == 0) return;
  json.key("meta").begin_object().key("signal").begin_object();
  json.key("number").number(signal.number).key("code").number(signal.code);
  json.key("name").text(signal.name).optional_text("code_name", signal.code_name).end_object().end_object();
  if (signal.relevant_address == 0) return;
  json.key("data").begin_object().key("relevant_address").text(hex_address(signal.relevant_address)).end_object();
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
    json.key("type").text(is_caught ? event.mechanism : "chained");
    json.key("handled").boolean(event.is_handled);
    if (is_caught) write_signal(json, event.signal);
    json.key("exception_id").number(static_cast<std::int64_t>(index - 1));
    if (!is_caught) json.key("parent_id").number(static_cast<std::int64_t>(index - 2));
    json.end_object();
    if (is_caught) {
      json.key("thread_id").number(static_cast<std::int64_t>(event.thread_id));
      if (!event.frames.empty()) write_own_stacktrace(json, event);
    }
    json.end_object();
  }
  json.end_array().end_object();
}

/// The thread that captured, which carries the stack where there is no exception to carry it, and the others.
void write_threads(JsonWriter& json, const Event& event) {
  json.key("threads").begin_object().key("values").begin_array().begin_object();
  json.key("id").number(static_cast<std::int64_t>(event.thread_id));
  json.optional_text("name", event.thread_name);
  json.key("current").boolean(true);
  json.key("crashed").boolean(!event.is_handled);
  if (event.exceptions.empty() && !event.frames.empty()) write_own_stacktrace(json, event);
  if (!event.own_thread.frames.empty()) write_stacktrace(json, event.own_thread.frames);
  json.end_object();
  for (const Thread& thread : event.threads) {
    json.begin_object().key("id").number(static_cast<std::int64_t>(thread.id)).optional_text("name", thread.name);
    json.key("current").boolean(false).key("crashed").boolean(false);
    if (!thread.frames.empty()) write_stacktrace(json, thread.frames);
    json.end_object();
  }
  json.end_array().end_object();
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
    if (!breadcrumb.data.empty()) json.key("data").raw(breadcrumb.data);
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

void write_contexts(JsonWriter& json, const Event& event, const ProcessFacts& facts) {
  json.key("contexts").begin_object();
  if (!event.trace_id.empty()) {
    json.key("trace").begin_object().key("trace_id").text(event.trace_id).optional_text("span_id", event.span_id);
    json.end_object();
  }
  for (const auto& [name, context] : event.contexts) json.key(name).raw(context);
  for (const auto& fact : facts.contexts) {
    const bool is_replaced = std::any_of(event.contexts.begin(), event.contexts.end(),
                                         [&](const auto& context) { return context.first == fact.first; });
    if (!is_replaced) json.key(fact.first).raw(fact.second);
  }
  json.end_object();
}

void write_texts(JsonWriter& json, std::string_view name, const NamedTexts& texts) {
  if (texts.empty()) return;
  json.key(name).begin_object();
  for (const auto& [key, value] : texts) json.key(key).text(value);
  json.end_object();
}

/// What stands on every event of a process, unless its scope says otherwise.
void write_facts(JsonWriter& json, const Event& event, const ProcessFacts& facts) {
  const auto first_of = [](std::string_view own, const std::string& fact) { return own.empty() ? fact : own; };
  json.optional_text("release", first_of(event.release, facts.release));
  json.optional_text("environment", first_of(event.environment, facts.environment));
  json.optional_text("dist", first_of(event.dist, facts.dist));
  json.optional_text("server_name", first_of(event.server_name, facts.server_name));
}

}  // namespace

std::string debug_id_of(const std::string& build_id, ModuleFormat format) {
  constexpr std::size_t kDigits = 32;
  if (build_id.size() < kDigits) return {};
  // Positions of the bytes' hex digits, in a UUID's order: 4 + 2 + 2 bytes reversed, the rest as they stand.
  constexpr std::array<std::size_t, 16> kReversed = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  std::string id;
  for (std::size_t index = 0; index < kReversed.size(); ++index) {
    if (index == 4 || index == 6 || index == 8 || index == 10) id += '-';
    id += build_id.substr((format == ModuleFormat::kMachO ? index : kReversed[index]) * 2, 2);
  }
  if (format != ModuleFormat::kPe) return id;
  const std::string age = build_id.substr(kDigits);
  return id + "-" + age.substr(std::min(age.find_first_not_of('0'), age.size()));
}

std::string to_json(const Event& event, const ProcessFacts& facts) {
  constexpr std::size_t kUsualBytes = 8192;
  JsonWriter json;
  json.reserve(kUsualBytes);
  json.begin_object();
  json.key("event_id").text(event.event_id);
  json.key("timestamp").text(format_timestamp(event.timestamp));
  json.key("platform").text("native");
  json.key("level").text(event.level);
  write_facts(json, event, facts);
  json.key("sdk").begin_object().key("name").text("trapline.native").key("version").text(TRAPLINE_VERSION).end_object();
  json.optional_text("message", event.message);
  json.optional_text("logger", event.logger).optional_text("transaction", event.transaction);
  if (!event.fingerprint.empty()) {
    json.key("fingerprint").begin_array();
    for (const std::string_view part : event.fingerprint) json.text(part);
    json.end_array();
  }
  if (!event.exceptions.empty()) write_exceptions(json, event);
  write_threads(json, event);
  write_breadcrumbs(json, event);
  write_texts(json, "tags", event.tags);
  if (!event.extra.empty()) {
    json.key("extra").begin_object();
    for (const auto& [key, value] : event.extra) json.key(key).raw(value);
    json.end_object();
  }
  write_user(json, event.user);
  write_contexts(json, event, facts);
  json.end_object();
  return json.take();
}

std::string debug_meta_json(const std::vector<Module>& modules) {
  JsonWriter json;
  json.begin_object().key("images").begin_array();
  for (const Module& module : modules) {
    json.begin_object();
    constexpr std::string_view kTypes[] = {"elf", "pe", "macho"};
    json.key("type").text(kTypes[static_cast<std::size_t>(module.format)]);
    json.key("code_file").text(module.path);
    json.optional_text("code_id", module.code_id.empty() ? module.build_id : module.code_id);
    json.optional_text("debug_id", debug_id_of(module.build_id, module.format));
    json.key("image_addr").text(hex_address(module.base));
    json.key("image_size").number(static_cast<std::int64_t>(module.size));
    json.end_object();
  }
  json.end_array().end_object();
  return json.take();
}

}  // namespace trapline::core
