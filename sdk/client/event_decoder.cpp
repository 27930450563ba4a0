#include "sdk/client/event_decoder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include <nlohmann/json.hpp>

#include "sdk/core/hex.h"
#include "sdk/core/json_text.h"
#include "sdk/recorder/breadcrumb.h"

namespace trapline::sdk {
namespace {

constexpr std::array<std::string_view, 5> kLevels = {"debug", "info", "warning", "error", "fatal"};
constexpr int kDeepestJson = 200;

std::string_view level_word(std::uint8_t level) { return kLevels[std::min<std::size_t>(level, kLevels.size() - 1)]; }

void set_text(core::NamedTexts& texts, std::string_view key, std::string_view value) {
  const auto known = std::find_if(texts.begin(), texts.end(), [&](const auto& text) { return text.first == key; });
  if (known != texts.end()) {
    known->second = value;
  } else {
    texts.emplace_back(key, value);
  }
}

void remove_text(core::NamedTexts& texts, std::string_view key) {
  std::erase_if(texts, [&](const auto& text) { return text.first == key; });
}

std::string quoted(std::string_view text) {
  std::string json = "\"";
  core::append_json_escaped(json, text);
  json += '"';
  return json;
}

std::vector<std::uintptr_t> read_addresses(std::string_view bytes) {
  std::vector<std::uintptr_t> addresses(bytes.size() / sizeof(std::uintptr_t));
  if (!addresses.empty()) std::memcpy(addresses.data(), bytes.data(), addresses.size() * sizeof(std::uintptr_t));
  return addresses;
}

/// Reads the fields of one event.
class Decoder {
 public:
  explicit Decoder(DecodedEvent& decoded) : decoded_(decoded), event_(decoded.event) {}

  void take(const Field& field) {
    switch (field.kind) {
      case FieldKind::kTag:
        return set_text(event_.tags, field.key, field.value);
      case FieldKind::kRemovedTag:
        return remove_text(event_.tags, field.key);
      case FieldKind::kLevelName:
        return set_text(event_.tags, "level_name", field.value);
      case FieldKind::kExtra:
        return take_extra(field);
      case FieldKind::kContext:
        if (is_usable_json(field.value, '{')) set_text(event_.contexts, field.key, on_one_line(field.value));
        return;
      case FieldKind::kClearUser:
        event_.user = {};
        return;
      case FieldKind::kUser:
        return take_user(field);
      case FieldKind::kBreadcrumb:
        return take_breadcrumb(field);
      case FieldKind::kException:
        event_.exceptions.push_back({field.key, field.value, field.detail != 0});
        return;
      case FieldKind::kStack:
        event_.raw_stack = read_addresses(field.value);
        return;
      case FieldKind::kThreadStack:
        return take_thread(field);
      case FieldKind::kFingerprint:
        return take_fingerprint(field);
      case FieldKind::kLevel:
        event_.level = level_word(field.detail);
        return;
      case FieldKind::kTrace:
        (field.key == "span_id" ? event_.span_id : event_.trace_id) = field.value;
        return;
      case FieldKind::kAttachmentFile:
        decoded_.attachments.push_back({field.key, field.value, {}, {}});
        return;
      case FieldKind::kAttachmentBytes:
        decoded_.attachments.push_back({field.key, {}, field.value, {}});
        return;
      default:
        return take_text(field);
    }
  }

 private:
  void take_text(const Field& field) {
    switch (field.kind) {
      case FieldKind::kMessage:
        event_.message = field.value;
        return;
      case FieldKind::kTransaction:
        event_.transaction = field.value;
        return;
      case FieldKind::kRelease:
        event_.release = field.value;
        return;
      case FieldKind::kEnvironment:
        event_.environment = field.value;
        return;
      case FieldKind::kDist:
        event_.dist = field.value;
        return;
      case FieldKind::kServerName:
        event_.server_name = field.value;
        return;
      case FieldKind::kThreadName:
        event_.thread_name = field.value;
        return;
      case FieldKind::kMechanism:
        event_.mechanism = field.value;
        return;
      case FieldKind::kLogger:
        event_.logger = field.value;
        return;
      default:  // of a newer version
        return;
    }
  }

  std::string_view on_one_line(std::string_view json) {
    if (json.find_first_of("\r\n") == std::string_view::npos) return json;
    decoded_.owned.push_back(sdk::on_one_line(std::string(json)));
    return decoded_.owned.back();
  }

  void take_extra(const Field& field) {
    const bool is_json = field.detail != 0 && is_usable_json(field.value, 0);
    if (is_json) return set_text(event_.extra, field.key, on_one_line(field.value));
    decoded_.owned.push_back(quoted(field.value));
    set_text(event_.extra, field.key, decoded_.owned.back());
  }

  void take_user(const Field& field) {
    core::User& user = event_.user;
    if (field.key == "id") user.id = field.value;
    if (field.key == "email") user.email = field.value;
    if (field.key == "username") user.username = field.value;
    if (field.key == "ip_address") user.ip_address = field.value;
  }

  void take_breadcrumb(const Field& field) {
    const BreadcrumbView view = read_breadcrumb(field);
    core::Breadcrumb breadcrumb{view.timestamp,         view.type, view.category, view.message,
                                level_word(view.level), view.data};
    breadcrumb.data = is_usable_json(view.data, '{') ? on_one_line(view.data) : std::string_view();
    event_.breadcrumbs.push_back(breadcrumb);
  }

  void take_thread(const Field& field) {
    std::vector<std::uintptr_t> words = read_addresses(field.value);
    if (words.empty()) return;
    const std::uint64_t id = words.front();
    words.erase(words.begin());
    event_.threads.push_back({id, field.key, std::move(words), {}});
  }

  /// The parts of one scope stand together: detail 1 begins a new list.
  void take_fingerprint(const Field& field) {
    if (field.detail != 0) event_.fingerprint.clear();
    event_.fingerprint.push_back(field.value);
  }

  DecodedEvent& decoded_;
  core::Event& event_;
};

}  // namespace

std::string to_text(const EventIdBytes& id) { return core::to_hex(std::as_bytes(std::span(id))); }

bool is_usable_json(std::string_view text, char begin) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || (begin != 0 && text[first] != begin)) return false;
  int depth = 0;
  bool is_in_string = false;
  for (std::size_t at = first; at < text.size(); ++at) {
    const char c = text[at];
    if (is_in_string) {
      if (c == '\\') ++at;
      is_in_string = c != '"';
      continue;
    }
    is_in_string = c == '"';
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth > kDeepestJson) return false;
  }
  return nlohmann::json::accept(text);
}

std::string on_one_line(std::string json) {
  std::replace_if(
      json.begin(), json.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return json;
}

bool decode_event(std::string_view payload, DecodedEvent& decoded) {
  EventHead head;
  if (payload.size() < sizeof head) return false;
  std::memcpy(&head, payload.data(), sizeof head);
  decoded.event_id = to_text(head.id);
  decoded.is_held = head.is_held != 0;
  core::Event& event = decoded.event;
  event.event_id = decoded.event_id;
  event.timestamp = head.timestamp;
  event.thread_id = head.thread_id;
  event.level = level_word(head.level);
  event.is_handled = head.is_handled != 0;
  Decoder decoder(decoded);
  FieldReader reader(payload.substr(sizeof head));
  while (const auto field = reader.next()) decoder.take(*field);
  return true;
}

}  // namespace trapline::sdk
