#include "collector/digest/event_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include <simdjson.h>

#include "collector/digest/clock_drift.h"
#include "collector/digest/event_text.h"
#include "collector/digest/json_edit.h"
#include "collector/digest/json_fields.h"
#include "collector/digest/search_facts.h"
#include "collector/digest/trim.h"
#include "collector/digest/user_agent.h"
#include "collector/storage/time_span.h"
#include "sdk/core/json_writer.h"
#include "sdk/core/timestamp.h"
#include "sdk/core/utf8.h"

namespace trapline::collector {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

/// A sender's clock may run a little ahead; further ahead it is wrong.
constexpr UnixMillis kMostFutureMs = 60'000;
/// What lay in a buffer for longer than this, or comes from a clock that was never set, is as good as undated.
constexpr UnixMillis kMostPastMs = 90 * kDayMs;
/// Two copies of an event tell its time this much apart at most, once a wrong clock was seen and corrected.
constexpr UnixMillis kClocksApartMs = kDayMs;
/// Lists are read up to here; no honest client comes near.
constexpr std::size_t kMostFrames = 500;
constexpr std::size_t kMostExceptions = 50;
constexpr std::size_t kMostTags = 200;
/// Of a release or an environment, as of those of sessions: indexes hold no long ones.
constexpr std::size_t kLongestName = 200;

/// The elements of a list that clients send as [..], as {"values": [..]}, or as its only element.
std::vector<element> list_field(const EventMembers& from, std::string_view key, std::size_t max_elements) {
  std::vector<element> elements;
  const auto value = field(from, key);
  if (!value) return elements;
  array values;
  object holder;
  if (value->get_array().get(values) != simdjson::SUCCESS) {
    if (value->get_object().get(holder) != simdjson::SUCCESS) return elements;
    if (holder["values"].get_array().get(values) != simdjson::SUCCESS) {
      if (!field(holder, "values")) elements.push_back(*value);
      return elements;
    }
  }
  for (const element one : values) {
    if (elements.size() == max_elements) break;
    elements.push_back(one);
  }
  return elements;
}

/// A time as the client gives it; nothing when it makes no sense.
std::optional<UnixMillis> parse_time(const element& value) {
  double seconds = 0;
  std::string_view text;
  bool is_number = value.get_double().get(seconds) == simdjson::SUCCESS;
  if (!is_number && value.get_string().get(text) == simdjson::SUCCESS) {
    if (const auto parsed = core::parse_timestamp(text)) return parsed;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    is_number = error == std::errc{} && end == text.data() + text.size();
  }
  constexpr double kMostSeconds = 1e11;  // the year 5138; also keeps the conversion below defined
  if (!is_number || !std::isfinite(seconds) || std::abs(seconds) > kMostSeconds) return std::nullopt;
  return static_cast<UnixMillis>(std::llround(seconds * 1000.0));
}

/// Changes to the payload, made when all of it has been read: the reader's views do not point into it.
class Edits {
 public:
  void set(std::initializer_list<std::string_view> path, std::string value) {
    edits_.push_back({std::vector<std::string_view>(path), std::move(value)});
  }
  /// A note in `_meta` that a top-level value was replaced: why, and what it was.
  void note(std::string_view key, std::string_view error, const element& was) {
    core::JsonWriter note;
    note.begin_object()
        .key("err")
        .begin_array()
        .text(error)
        .end_array()
        .key("val")
        .raw(simdjson::minify(was))
        .end_object();
    set({"_meta", key, ""}, note.take());
  }
  /// `outline`: of the payload, null when it is not known.
  void apply(std::string& payload, const core::JsonOutline* outline) const {
    if (edits_.empty()) return;
    std::optional<MemberPlaces> places;
    if (outline != nullptr) places.emplace(*outline);
    for (const Edit& edit : edits_) set_json_member(payload, edit.path, edit.value, places ? &*places : nullptr);
  }

 private:
  struct Edit {
    std::vector<std::string_view> path;  ///< of literals
    std::string value;
  };
  std::vector<Edit> edits_;
};

std::string name_field(const EventMembers& from, std::string_view key) {
  return std::string(core::truncate_utf8(any_text_field(from, key), kLongestName));
}

UnixMillis read_timestamp(const EventMembers& event, UnixMillis received_at, UnixMillis sent_at, Edits& edits) {
  const auto value = field(event, "timestamp");
  if (!value) return received_at;
  auto time = parse_time(*value);
  const UnixMillis drift = clock_drift(sent_at, received_at);
  const bool has_drift = time && drift != 0;
  if (has_drift) *time += drift;
  std::string_view error;
  if (!time || *time <= 0) {
    error = "invalid_data";
  } else if (*time > received_at + kMostFutureMs) {
    error = "future_timestamp";
  } else if (*time < received_at - kMostPastMs) {
    error = "past_timestamp";
  } else if (has_drift) {
    error = "clock_drift";
  } else {
    return *time;
  }
  const UnixMillis right = error == "clock_drift" ? *time : received_at;
  edits.note("timestamp", error, *value);
  edits.set({"timestamp"}, json_quoted(core::format_timestamp(right)));
  return right;
}

Level read_level(const EventMembers& event, Edits& edits) {
  const auto value = field(event, "level");
  if (!value) return Level::kError;
  if (const auto level = parse_level(text_field(event, "level"))) return *level;
  edits.note("level", "invalid_data", *value);
  edits.set({"level"}, R"("error")");
  return Level::kError;
}

/// How many identical errors the client has counted into this event.
std::int64_t read_occurrences(const EventMembers& event) {
  std::int64_t count = 1;
  if (event["repeat_count"].get_int64().get(count) != simdjson::SUCCESS) return 1;
  return std::clamp<std::int64_t>(count, 1, kMostOccurrences);
}

/// In one pass: asking for each member by its name would be most of what reading costs.
EventFrame read_frame(const object& source) {
  EventFrame frame;
  std::string_view path;
  for (const auto member : source) {
    const std::string_view name = member.key;
    if (name == "function") {
      frame.function = text_of(member.value);
    } else if (name == "module") {
      frame.module = text_of(member.value);
    } else if (name == "filename") {
      frame.filename = text_of(member.value);
    } else if (name == "abs_path") {
      path = text_of(member.value);
    } else if (name == "package") {
      frame.package = text_of(member.value);
    } else if (name == "context_line") {
      frame.context_line = text_of(member.value);
    } else if (name == "in_app") {
      frame.is_in_app = member.value.is_bool() && member.value.get_bool().value_unsafe();
    }
  }
  if (frame.function == "?") frame.function = {};
  if (frame.filename.empty()) frame.filename = path;
  return frame;
}

template <class Object>
std::vector<EventFrame> read_frames(const Object& holder, std::string_view key) {
  std::vector<EventFrame> frames;
  const auto stack = object_field(holder, key);
  array list;
  if (!stack || (*stack)["frames"].get_array().get(list) != simdjson::SUCCESS) return frames;
  for (const element one : list) {
    object source;
    if (one.get_object().get(source) != simdjson::SUCCESS) continue;
    frames.push_back(read_frame(source));
    // The innermost calls tell most: of an endless recursion the oldest are let go.
    if (frames.size() > 2 * kMostFrames) frames.erase(frames.begin(), frames.begin() + kMostFrames);
  }
  if (frames.size() > kMostFrames) frames.erase(frames.begin(), frames.end() - kMostFrames);
  return frames;
}

std::vector<EventException> read_exceptions(const EventMembers& event) {
  std::vector<EventException> exceptions;
  for (const element& one : list_field(event, "exception", kMostExceptions)) {
    object source;
    if (one.get_object().get(source) != simdjson::SUCCESS) continue;
    EventException exception;
    exception.type = text_field(source, "type");
    exception.value = text_field(source, "value");
    if (const auto mechanism = object_field(source, "mechanism")) {
      exception.is_synthetic = bool_field(*mechanism, "synthetic");
    }
    exception.frames = read_frames(source, "stacktrace");
    exceptions.push_back(std::move(exception));
  }
  return exceptions;
}

/// Params are a list, or an object whose values are taken in order.
std::vector<std::string> read_params(const object& entry) {
  std::vector<std::string> params;
  array list;
  object named;
  if (entry["params"].get_array().get(list) == simdjson::SUCCESS) {
    for (const element one : list) params.push_back(as_text(one));
  } else if (entry["params"].get_object().get(named) == simdjson::SUCCESS) {
    for (const auto one : named) params.push_back(as_text(one.value));
  }
  return params;
}

/// The message for people; its template, when it has one, goes to `read`.
std::string read_message(const EventMembers& event, ReadEvent& read) {
  object entry;
  if (event["logentry"].get_object().get(entry) != simdjson::SUCCESS &&
      event["message"].get_object().get(entry) != simdjson::SUCCESS) {
    return std::string(text_field(event, "message"));
  }
  const std::string_view formatted = text_field(entry, "formatted");
  const std::string_view message = text_field(entry, "message");
  const std::vector<std::string> params = read_params(entry);
  if (!params.empty()) read.message_template = message;
  if (!formatted.empty()) return std::string(formatted);
  std::string filled = fill_in_params(message, params);
  return !filled.empty() ? filled : std::string(text_field(event, "message"));
}

void read_tags(const EventMembers& event, std::vector<std::pair<std::string, std::string>>& tags) {
  object named;
  array pairs;
  if (event["tags"].get_object().get(named) == simdjson::SUCCESS) {
    for (const auto one : named) {
      if (tags.size() == kMostTags) return;
      if (!one.value.is_null()) tags.emplace_back(one.key, as_text(one.value));
    }
  } else if (event["tags"].get_array().get(pairs) == simdjson::SUCCESS) {
    for (const element one : pairs) {
      if (tags.size() == kMostTags) return;
      element key;
      element value;
      if (one.at(0).get(key) != simdjson::SUCCESS || one.at(1).get(value) != simdjson::SUCCESS || value.is_null())
        continue;
      tags.emplace_back(as_text(key), as_text(value));
    }
  }
}

/// What a user is told apart by: the first of these that is known.
std::string read_user(const std::optional<object>& user, std::string_view client_ip) {
  if (!user) return {};
  constexpr std::pair<std::string_view, std::string_view> kKeys[] = {
      {"id", "id:"}, {"email", "email:"}, {"username", "username:"}, {"ip_address", "ip:"}};
  for (const auto& [key, prefix] : kKeys) {
    const std::string value = any_text_field(*user, key);
    if (value == kAutoAddress) return client_ip.empty() ? std::string() : std::string(prefix) + std::string(client_ip);
    if (!value.empty()) return std::string(prefix) + value;
  }
  return {};
}

/// "{{auto}}" asks for the address that the request came from.
void fill_in_address(const EventMembers& event, std::string_view client_ip, bool keeps_ip_addresses, Edits& edits) {
  const auto user = object_field(event, "user");
  if (!user || client_ip.empty() || text_field(*user, "ip_address") != kAutoAddress) return;
  edits.set({"user", "ip_address"}, json_quoted(keeps_ip_addresses ? client_ip : "[ip]"));
}

/// What a client that does not say so in the event says beside its key: "name/version".
void fill_in_sdk(const EventMembers& event, std::string_view client, Edits& edits) {
  if (client.empty() || field(event, "sdk")) return;
  const std::size_t slash = client.find('/');
  core::JsonWriter sdk;
  sdk.begin_object().key("name").text(client.substr(0, slash));
  if (slash != std::string_view::npos) sdk.key("version").text(client.substr(slash + 1));
  sdk.end_object();
  edits.set({"sdk"}, sdk.take());
}

/// The header of the request that the event is about; headers are an object or pairs.
std::string_view request_header(const EventMembers& event, std::string_view lower_case_name) {
  const auto request = object_field(event, "request");
  if (!request) return {};
  const auto is_it = [&](std::string_view name) {
    return std::equal(name.begin(), name.end(), lower_case_name.begin(), lower_case_name.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
  };
  object named;
  array pairs;
  std::string_view value;
  if ((*request)["headers"].get_object().get(named) == simdjson::SUCCESS) {
    for (const auto one : named) {
      if (is_it(one.key) && one.value.get_string().get(value) == simdjson::SUCCESS) return value;
    }
  } else if ((*request)["headers"].get_array().get(pairs) == simdjson::SUCCESS) {
    for (const element one : pairs) {
      std::string_view name;
      if (one.at(0).get_string().get(name) == simdjson::SUCCESS && is_it(name) &&
          one.at(1).get_string().get(value) == simdjson::SUCCESS) {
        return value;
      }
    }
  }
  return {};
}

std::string context_json(std::string_view type, std::string_view name_key, std::string_view name,
                         std::string_view version) {
  core::JsonWriter context;
  context.begin_object().key(name_key).text(name).optional_text("version", version).key("type").text(type).end_object();
  return context.take();
}

/// Browser, system and device of the person's side, where the client does not name them. In a browser the event's own
/// request is that of the page; on a server `os` is the server's, so the person's is `client_os`.
void fill_in_browser(const EventMembers& event, DigestedEvent& record, std::string_view sent_with, Edits& edits) {
  const bool is_browser = record.platform == "javascript";
  std::string_view header = request_header(event, "user-agent");
  if (header.empty() && is_browser) header = sent_with;
  if (header.empty()) return;
  const auto contexts = object_field(event, "contexts");
  const auto lacks = [&](std::string_view name) { return !contexts || !field(*contexts, name); };
  const std::string_view os = is_browser ? "os" : "client_os";
  if (!lacks("browser") && !lacks(os)) return;
  const UserAgent agent = parse_user_agent(header);
  if (lacks("browser") && !agent.browser.empty()) {
    edits.set({"contexts", "browser"}, context_json("browser", "name", agent.browser, agent.browser_version));
    add_context_tag(record, "browser", agent.browser, agent.browser_version);
  }
  if (lacks(os) && !agent.os.empty()) {
    edits.set({"contexts", os}, context_json("os", "name", agent.os, agent.os_version));
    add_context_tag(record, os, agent.os, agent.os_version);
  }
  if (is_browser && lacks("device") && !agent.device.empty()) {
    edits.set({"contexts", "device"}, context_json("device", "model", agent.device, ""));
    add_context_tag(record, "device", agent.device, "");
  }
}

/// The stack of a message: at the top level in old clients, else the first thread's that has one, the current one
/// first.
std::vector<EventFrame> read_message_frames(const EventMembers& event) {
  std::vector<EventFrame> frames = read_frames(event, "stacktrace");
  for (const element& one : list_field(event, "threads", kMostExceptions)) {
    object thread;
    if (one.get_object().get(thread) != simdjson::SUCCESS) continue;
    const bool is_current = bool_field(thread, "current") || bool_field(thread, "crashed");
    if (!frames.empty() && !is_current) continue;
    std::vector<EventFrame> own = read_frames(thread, "stacktrace");
    if (!own.empty()) frames = std::move(own);
  }
  return frames;
}

/// Parts may be numbers and booleans, too.
void read_fingerprint(const EventMembers& event, std::vector<std::string>& fingerprint) {
  array parts;
  if (event["fingerprint"].get_array().get(parts) != simdjson::SUCCESS) return;
  for (const element part : parts) {
    if (std::string text = as_text(part); !text.empty()) fingerprint.push_back(std::move(text));
  }
}

/// The frame to look at first: the innermost one in the app, else the innermost.
const EventFrame* frame_to_blame(const std::vector<EventFrame>& frames) {
  const auto innermost =
      std::find_if(frames.rbegin(), frames.rend(), [](const EventFrame& frame) { return frame.is_in_app; });
  if (innermost != frames.rend()) return &*innermost;
  return frames.empty() ? nullptr : &frames.back();
}

void describe(ReadEvent& read, std::string_view message) {
  DigestedEvent& record = read.record;
  // A stack that came with a message is dressed as an exception without a type: it is still a message.
  const EventException* outermost = read.exceptions.empty() ? nullptr : &read.exceptions.back();
  const bool is_message = outermost == nullptr || outermost->type.empty();
  if (!is_message) record.type = outermost->type;
  if (outermost != nullptr) record.value = outermost->value;
  if (is_message && !message.empty()) record.value = message;
  record.title = make_title(record.type, record.value);
  const EventFrame* frame = frame_to_blame(outermost != nullptr ? outermost->frames : read.message_frames);
  if (!record.transaction.empty()) {
    record.culprit = record.transaction;
  } else if (frame != nullptr) {
    record.culprit = make_culprit(frame->function, frame->module, frame->filename);
  }
}

/// One parser a thread: its buffers grow to the largest event and are used again.
simdjson::dom::parser& parser() {
  thread_local simdjson::dom::parser parser;
  return parser;
}

/// What told the user apart before the event was scrubbed: of the whole payload only its `user` is parsed, where that
/// is known to stand.
std::string read_original_user(const SpooledEvent& event, const core::JsonOutline* outline) {
  thread_local simdjson::dom::parser own_parser;  // the other one holds the scrubbed event
  thread_local std::string text;
  std::optional<std::size_t> user_at;
  if (outline != nullptr) {
    const auto found = std::find_if(outline->members.begin(), outline->members.end(),
                                    [](const auto& member) { return member.name == "user"; });
    if (found != outline->members.end()) user_at = found->value;
  }
  text = user_at ? json_value_at(event.payload, *user_at) : std::string_view(event.payload);
  const object parsed = own_parser.parse(text).get_object().value();
  return read_user(user_at ? parsed : object_field(parsed, "user"), event.client_ip);
}

}  // namespace

ReadEvent read_event(const SpooledEvent& event, ReadOptions options) {
  ReadEvent read;
  DigestedEvent& record = read.record;
  Edits edits;
  std::string payload;
  if (options.scrubbed) {
    payload = std::move(*options.scrubbed);
  } else {
    payload = event.payload;
  }
  const auto parse = [&] { return parser().parse(payload).get_object().value(); };  // throws
  const core::JsonOutline* outline = options.scrubbed && !options.outline.has_escaped_name ? &options.outline : nullptr;
  EventMembers source(parse());
  if (source.has_repeated_names()) {
    drop_repeated_members(payload);
    outline = nullptr;
    source = EventMembers(parse());
  }
  bool is_rewritten = false;
  if (auto trimmed = trim_event(parser().doc.root().get_object().value(), payload.size(), outline)) {
    payload = std::move(*trimmed);
    is_rewritten = true;
    source = EventMembers(parse());
  }
  record.project_id = event.project_id;
  record.event_id = event.event_id;
  record.sequence = event.sequence;
  record.received_at = event.received_at;
  record.timestamp = read_timestamp(source, event.received_at, event.sent_at, edits);
  // A time that was replaced by that of receipt says nothing of when a copy may have come.
  if (record.timestamp != event.received_at) record.first_possible_receipt = record.timestamp - kClocksApartMs;
  record.level = read_level(source, edits);
  record.platform = text_field(source, "platform");
  if (record.platform.empty()) record.platform = "other";
  record.environment = name_field(source, "environment");
  record.release = name_field(source, "release");
  record.transaction = any_text_field(source, "transaction");
  record.server_name = any_text_field(source, "server_name");
  const auto user = object_field(source, "user");
  record.user = read_user(user, options.keeps_ip_addresses ? std::string_view(event.client_ip) : std::string_view());
  if (options.scrubbed && user) record.user_identity = read_original_user(event, outline);
  record.occurrences = read_occurrences(source);
  read_tags(source, record.tags);
  read_fingerprint(source, read.client_fingerprint);
  read.exceptions = read_exceptions(source);
  if (const auto request = object_field(source, "request")) read.url = text_field(*request, "url");
  const std::string message = read_message(source, read);
  if (read.exceptions.empty()) read.message_frames = read_message_frames(source);
  describe(read, message);
  read_search_facts(source, read, message,
                    options.keeps_ip_addresses ? std::string_view(event.client_ip) : std::string_view());
  if (text_field(source, "event_id") != record.event_id) edits.set({"event_id"}, json_quoted(record.event_id));
  fill_in_address(source, event.client_ip, options.keeps_ip_addresses, edits);
  fill_in_sdk(source, event.client, edits);
  fill_in_browser(source, record, event.user_agent, edits);
  edits.apply(payload, is_rewritten ? nullptr : outline);
  record.payload = std::move(payload);
  return read;
}

}  // namespace trapline::collector
