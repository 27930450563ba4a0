#include "collector/digest/grouping/group_keys.h"

#include <algorithm>
#include <optional>

#include "collector/digest/grouping/fingerprint.h"
#include "collector/digest/grouping/frame_name.h"
#include "collector/digest/grouping/part_hash.h"
#include "collector/digest/grouping/stable_message.h"
#include "sdk/core/utf8.h"

namespace trapline::collector {
namespace {

/// Of a stack, the innermost frames that the coarse key looks at: who called those changes nothing about the fault.
constexpr std::size_t kCoarseFrames = 5;
/// Longer source lines are minified code, of which everything changes with every build.
constexpr std::size_t kMostContextBytes = 160;
/// The longest repeated stretch that is taken for recursion (a calls b calls c calls a …).
constexpr std::size_t kLongestCycle = 6;

bool is_default_marker(std::string_view part) { return part == "{{ default }}" || part == "{{default}}"; }

std::string_view bare_line(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n;");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n;") - begin + 1);
}

struct FrameKey {
  std::string key;
  const EventFrame* frame = nullptr;
};

/// What is gathered while an event is looked at; explanations only when they are wanted.
class Grouping {
 public:
  Grouping(const ReadEvent& event, bool explains)
      : event_(event),
        is_javascript_(event.record.platform == "javascript" || event.record.platform == "node"),
        explains_(explains) {}

  void add_default(PartHash& fine, PartHash& coarse) {
    // A message may come with a stack: that says where it was logged, not what it is.
    if (event_.record.type.empty() && !has_synthetic_stack()) {
      add_message(fine, coarse);
      return;
    }
    for (const EventException& exception : event_.exceptions) {
      both(fine, coarse, "exception");
      // A synthetic exception's type was made up by the client.
      if (!exception.is_synthetic) {
        const std::string type = stable_function(exception.type);
        both(fine, coarse, type);
        explain({"type", type, std::string(exception.type), true, ""});
      } else {
        explain({"type", "", std::string(exception.type), false, "the client made it up to carry a stack"});
      }
      add_stack_or_value(exception, fine, coarse);
    }
  }

  void explain(GroupPart part) {
    if (explains_) parts_.push_back(std::move(part));
  }
  std::vector<GroupPart> take_parts() { return std::move(parts_); }
  [[nodiscard]] bool is_coarse_useful() const { return has_frames_; }

 private:
  [[nodiscard]] bool has_synthetic_stack() const {
    return std::any_of(event_.exceptions.begin(), event_.exceptions.end(), [](const EventException& exception) {
      return exception.is_synthetic && !exception.frames.empty() && exception.value.empty();
    });
  }

  static void both(PartHash& fine, PartHash& coarse, std::string_view part) {
    fine.add(part);
    coarse.add(part);
  }

  void add_message(PartHash& fine, PartHash& coarse) {
    both(fine, coarse, "message");
    // A template that the client gave is exact; otherwise the variable parts are guessed.
    const bool has_template = !event_.message_template.empty();
    const std::string key = has_template ? std::string(event_.message_template) : stable_message(event_.record.value);
    both(fine, coarse, key);
    explain({"message", key, has_template ? std::string(event_.message_template) : event_.record.value, true, ""});
  }

  void add_stack_or_value(const EventException& exception, PartHash& fine, PartHash& coarse) {
    const std::vector<std::string> keys = frame_keys(exception.frames);
    if (keys.empty()) {
      const std::string value = stable_message(exception.value);
      both(fine, coarse, value);
      explain({"value", value, std::string(exception.value), true, ""});
      return;
    }
    has_frames_ = true;
    explain({"value", "", std::string(exception.value), false, "there is a stack"});
    both(fine, coarse, "frames");
    for (const std::string& key : keys) fine.add(key);
    const std::size_t first = keys.size() - std::min(keys.size(), kCoarseFrames);
    for (std::size_t index = first; index < keys.size(); ++index) coarse.add(keys[index]);
  }

  /// What a frame is told apart by: where it is and what it is called; where it has no name that lasts, its source
  /// line.
  [[nodiscard]] std::string key_of(const EventFrame& frame, const std::string& function) const {
    // A C++ name holds its namespace; the file or library around it may be renamed without changing the fault.
    const bool is_qualified = function.find("::") != std::string::npos;
    std::string place;
    if (!is_qualified) {
      place = !frame.module.empty() ? stable_module(frame.module)
                                    : stable_file(!frame.filename.empty() ? frame.filename : frame.package);
    }
    const std::string_view line = bare_line(frame.context_line);
    const bool has_line = !line.empty() && line.size() <= kMostContextBytes;
    if (is_nameless(function, is_javascript_)) {
      // A minified name without a line is better than nothing, but no name at all tells only the file.
      if (has_line) return place + "|=" + std::string(line);
      return place.empty() && function.empty() ? std::string() : place + "|" + function;
    }
    return place + "|" + function;
  }

  /// The frames that count: those of the app, or all where none is; machinery left out, unless nothing else is there;
  /// recursion collapsed.
  std::vector<std::string> frame_keys(const std::vector<EventFrame>& frames) {
    const bool has_in_app =
        std::any_of(frames.begin(), frames.end(), [](const EventFrame& frame) { return frame.is_in_app; });
    std::vector<FrameKey> keys;
    std::vector<FrameKey> machinery;
    for (const EventFrame& frame : frames) {
      if (has_in_app && !frame.is_in_app) {
        explain_frame(frame, "", "not of the app");
        continue;
      }
      const std::string function = stable_function(frame.function);
      std::string key = key_of(frame, function);
      if (key.empty()) {
        explain_frame(frame, "", "nothing is known of it");
        continue;
      }
      const bool is_own = function.empty() || !is_machinery(function);
      (is_own ? keys : machinery).push_back({std::move(key), &frame});
    }
    if (keys.empty()) {
      keys = std::move(machinery);
      machinery.clear();
    }
    for (const FrameKey& one : machinery) explain_frame(*one.frame, one.key, "machinery that every stack has");
    return collapse(std::move(keys));
  }

  /// "a b c b c b c d" becomes "a b c d": each repeated stretch stays once.
  std::vector<std::string> collapse(std::vector<FrameKey> keys) {
    std::vector<FrameKey> kept;
    for (FrameKey& one : keys) {
      kept.push_back(std::move(one));
      for (std::size_t length = 1; length <= kLongestCycle && 2 * length <= kept.size(); ++length) {
        const auto second = kept.end() - static_cast<std::ptrdiff_t>(length);
        const auto first = second - static_cast<std::ptrdiff_t>(length);
        const bool is_repeated =
            std::equal(first, second, second, [](const FrameKey& a, const FrameKey& b) { return a.key == b.key; });
        if (!is_repeated) continue;
        for (auto gone = second; gone != kept.end(); ++gone) explain_frame(*gone->frame, gone->key, "recursion");
        kept.erase(second, kept.end());
        break;
      }
    }
    std::vector<std::string> result;
    result.reserve(kept.size());
    for (FrameKey& one : kept) {
      explain_frame(*one.frame, one.key, "");
      result.push_back(std::move(one.key));
    }
    return result;
  }

  void explain_frame(const EventFrame& frame, std::string_view key, std::string_view why_not) {
    if (!explains_) return;
    std::string of(frame.function);
    of += " in ";
    of += !frame.module.empty() ? frame.module : !frame.filename.empty() ? frame.filename : frame.package;
    explain({"frame", std::string(key), std::move(of), why_not.empty(), std::string(why_not)});
  }

  const ReadEvent& event_;
  bool is_javascript_;
  bool explains_;
  bool has_frames_ = false;
  std::vector<GroupPart> parts_;
};

/// What overrides the algorithm: the rule's fingerprint, else the client's; nothing when there is none, or when it only
/// asks for what is done anyway.
std::vector<std::string_view> explicit_fingerprint(const ReadEvent& event, const std::vector<std::string>& rule) {
  std::vector<std::string_view> parts;
  if (!rule.empty()) {
    parts.assign(rule.begin(), rule.end());
  } else {
    parts.assign(event.client_fingerprint.begin(), event.client_fingerprint.end());
  }
  if (parts.size() == 1 && is_default_marker(parts.front())) parts.clear();
  return parts;
}

GroupKeys version_2(const ReadEvent& event, const std::vector<std::string>& rule, bool explains) {
  Grouping grouping(event, explains);
  PartHash fine;
  PartHash coarse;
  fine.add("2");
  coarse.add("2 coarse");
  const std::vector<std::string_view> parts = explicit_fingerprint(event, rule);
  GroupKeys keys;
  if (parts.empty()) {
    grouping.add_default(fine, coarse);
    if (grouping.is_coarse_useful()) keys.coarse = coarse.finish();
  } else {
    fine.add("explicit");
    for (const std::string_view part : parts) {
      if (is_default_marker(part)) {
        grouping.add_default(fine, coarse);
      } else {
        fine.add(part);
        grouping.explain({rule.empty() ? "fingerprint" : "rule", std::string(part), std::string(part), true, ""});
      }
    }
  }
  keys.fine = fine.finish();
  keys.parts = grouping.take_parts();
  return keys;
}

}  // namespace

GroupKeys group_keys(const ReadEvent& event, int version, const std::vector<std::string>& rule_fingerprint,
                     bool explains) {
  if (version >= 2) return version_2(event, rule_fingerprint, explains);
  GroupKeys keys;
  if (rule_fingerprint.empty()) {
    keys.fine = fingerprint_of(event);
  } else {
    ReadEvent ruled = event;
    ruled.client_fingerprint.assign(rule_fingerprint.begin(), rule_fingerprint.end());
    keys.fine = fingerprint_of(ruled);
  }
  if (explains) keys.parts.push_back({"version", "1", "", true, "the first version of the grouping explains nothing"});
  return keys;
}

}  // namespace trapline::collector
