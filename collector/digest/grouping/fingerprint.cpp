#include "collector/digest/grouping/fingerprint.h"

#include <algorithm>
#include <vector>

#include "collector/digest/event_text.h"
#include "collector/digest/grouping/function_name.h"
#include "collector/digest/grouping/message_template.h"
#include "collector/digest/grouping/part_hash.h"

namespace trapline::collector {
namespace {

/// What a frame is told apart by: where it is and what it is called, else its source line.
std::string frame_key(const EventFrame& frame) {
  const std::string function = normalise_function_name(frame.function);
  if (!function.empty() && is_glue_function(function)) return {};
  // A C++ name holds its namespace; the file or library around it may be renamed without changing the fault.
  const bool is_qualified = function.find("::") != std::string::npos;
  const std::string_view place = !frame.module.empty()     ? frame.module
                                 : !frame.filename.empty() ? base_name(frame.filename)
                                                           : base_name(frame.package);
  std::string key = is_qualified ? std::string() : std::string(place);
  key += '|';
  key += !function.empty() ? function : std::string(frame.context_line);
  return key == "|" ? std::string() : key;
}

/// The frames that count: those of the app, or all where none is; recursion collapsed; glue left out.
std::vector<std::string> frame_keys(const std::vector<EventFrame>& frames) {
  const bool has_in_app =
      std::any_of(frames.begin(), frames.end(), [](const EventFrame& frame) { return frame.is_in_app; });
  std::vector<std::string> keys;
  for (const EventFrame& frame : frames) {
    if (has_in_app && !frame.is_in_app) continue;
    std::string key = frame_key(frame);
    const bool is_recursion = !keys.empty() && keys.back() == key;
    if (!key.empty() && !is_recursion) keys.push_back(std::move(key));
  }
  return keys;
}

void add_frames(PartHash& hash, const std::vector<std::string>& keys) {
  hash.add("frames");
  for (const std::string& key : keys) hash.add(key);
}

std::string message_key(const ReadEvent& event) {
  // A template that the client gave is exact; otherwise the variable parts are guessed.
  return std::string(event.message_template.empty() ? message_template(event.record.value)
                                                    : std::string(event.message_template));
}

void add_default(PartHash& hash, const ReadEvent& event) {
  const bool is_message = event.record.type.empty();
  if (is_message) {
    hash.add("message");
    hash.add(message_key(event));
    return;
  }
  for (const EventException& exception : event.exceptions) {
    hash.add("exception");
    hash.add(exception.type);
    const std::vector<std::string> keys = frame_keys(exception.frames);
    if (!keys.empty()) {
      add_frames(hash, keys);
    } else {
      hash.add(message_template(exception.value));
    }
  }
}

bool asks_for_ours(std::string_view part) { return part == "{{ default }}" || part == "{{default}}"; }

}  // namespace

std::string fingerprint_of(const ReadEvent& event) {
  PartHash hash;
  if (event.client_fingerprint.empty()) {
    add_default(hash, event);
    return hash.finish();
  }
  // The marker alone asks for what is done anyway, and must give the same key.
  const bool is_only_marker = event.client_fingerprint.size() == 1 && asks_for_ours(event.client_fingerprint.front());
  if (!is_only_marker) hash.add("client");
  for (const std::string_view part : event.client_fingerprint) {
    if (asks_for_ours(part)) {
      add_default(hash, event);
    } else {
      hash.add(part);
    }
  }
  return hash.finish();
}

}  // namespace trapline::collector
