#include "collector/digest/grouping/grouping_rules.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;

constexpr std::array<std::string_view, 5> kEventFields = {"type", "value", "message", "level", "transaction"};
constexpr std::array<std::string_view, 3> kFrameFields = {"function", "path", "module"};
constexpr std::string_view kTagPrefix = "tags.";
constexpr std::size_t kMostMatchers = 20;
constexpr std::size_t kMostParts = 20;

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view tag_of(const ReadEvent& event, std::string_view name) {
  for (const auto& [key, value] : event.record.tags) {
    if (key == name) return value;
  }
  return {};
}

/// The frames of the event, outermost exception first, each stack innermost first.
template <class Visit>
bool any_frame(const ReadEvent& event, Visit visit) {
  // NOLINTNEXTLINE(modernize-loop-convert): there is no reading std::views::reverse with clang 14
  for (auto exception = event.exceptions.rbegin(); exception != event.exceptions.rend(); ++exception) {
    if (std::any_of(exception->frames.rbegin(), exception->frames.rend(), visit)) return true;
  }
  return std::any_of(event.message_frames.rbegin(), event.message_frames.rend(), visit);
}

/// What a variable stands for.
std::string variable(std::string_view name, const ReadEvent& event) {
  const EventFrame* frame = nullptr;
  any_frame(event, [&](const EventFrame& one) {
    if (frame == nullptr || (one.is_in_app && !frame->is_in_app)) frame = &one;
    return frame->is_in_app;
  });
  if (name == "type") return event.record.type;
  if (name == "value" || name == "message") return event.record.value;
  if (name == "level") return std::string(to_word(event.record.level));
  if (name == "transaction") return event.record.transaction;
  if (name.starts_with(kTagPrefix)) return std::string(tag_of(event, name.substr(kTagPrefix.size())));
  if (frame == nullptr) return {};
  if (name == "function") return std::string(frame->function);
  if (name == "module") return std::string(frame->module);
  if (name == "path") return std::string(frame->filename);
  return {};
}

bool is_variable(std::string_view name) {
  return name == "default" || contains(kEventFields, name) || contains(kFrameFields, name) ||
         name.starts_with(kTagPrefix);
}

std::string_view without_spaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// Calls `text` and `name` for the stretches of a pattern with {{ variables }}.
template <class Text, class Name>
void take_apart(std::string_view pattern, Text text, Name name) {
  while (true) {
    const std::size_t open = pattern.find("{{");
    const std::size_t close = open == std::string_view::npos ? open : pattern.find("}}", open);
    text(pattern.substr(0, close == std::string_view::npos ? close : open));
    if (close == std::string_view::npos) return;
    name(without_spaces(pattern.substr(open + 2, close - open - 2)));
    pattern.remove_prefix(close + 2);
  }
}

std::string fill_in(std::string_view pattern, const ReadEvent& event) {
  std::string filled;
  take_apart(
      pattern, [&](std::string_view text) { filled += text; },
      [&](std::string_view name) { filled += name == "default" ? "{{ default }}" : variable(name, event); });
  return filled;
}

Result<std::string> read_pattern(const nlohmann::json& value, std::string_view where) {
  if (!value.is_string()) return Error{"invalid_rule", std::string(where) + " of a grouping rule must be a text"};
  const auto& pattern = value.get_ref<const std::string&>();
  std::string unknown;
  take_apart(
      pattern, [](std::string_view) {},
      [&](std::string_view name) {
        if (!is_variable(name)) unknown = name;
      });
  if (!unknown.empty()) {
    return Error{"invalid_rule",
                 "a grouping rule knows no variable '" + unknown.substr(0, 40) +
                     "': there are default, type, value, function, module, path, level, transaction and tags.<name>"};
  }
  return pattern;
}

}  // namespace

Result<GroupingRule> GroupingRule::read(const nlohmann::json& written) {
  if (!written.is_object() || !written.contains("match") || !written["match"].is_object() || written["match"].empty()) {
    return Error{"invalid_rule", R"(a grouping rule is an object with "match", which has at least one matcher)"};
  }
  GroupingRule rule;
  if (written["match"].size() > kMostMatchers) return Error{"invalid_rule", "a grouping rule may have 20 matchers"};
  for (const auto& [field, value] : written["match"].items()) {
    const bool is_frame_field = contains(kFrameFields, field);
    if (!is_frame_field && !contains(kEventFields, field) && !field.starts_with(kTagPrefix)) {
      return Error{"invalid_rule",
                   "a grouping rule knows no matcher '" + field.substr(0, 40) +
                       "': there are type, value, level, transaction, tags.<name>, function, path and module"};
    }
    if (!value.is_string())
      return Error{"invalid_rule", "the matcher '" + field + "' of a grouping rule must be a text"};
    std::string_view pattern = value.get_ref<const std::string&>();
    Matcher matcher;
    matcher.field = field;
    matcher.is_negated = pattern.starts_with('!');
    if (matcher.is_negated) pattern.remove_prefix(1);
    auto glob = Glob::compile(pattern, field == "path" ? Glob::Kind::kPath : Glob::Kind::kText);
    if (!glob) return glob.error();
    matcher.glob = std::move(*glob);
    (is_frame_field ? rule.frame_matchers_ : rule.event_matchers_).push_back(std::move(matcher));
  }
  if (written.contains("fingerprint")) {
    const auto& parts = written["fingerprint"];
    if (!parts.is_array() || parts.empty() || parts.size() > kMostParts) {
      return Error{"invalid_rule", "the fingerprint of a grouping rule is a list of 1 to 20 texts"};
    }
    for (const auto& part : parts) {
      auto pattern = read_pattern(part, "each part of the fingerprint");
      if (!pattern) return pattern.error();
      rule.fingerprint_.push_back(std::move(*pattern));
    }
  }
  if (written.contains("title")) {
    auto pattern = read_pattern(written["title"], "the title");
    if (!pattern) return pattern.error();
    rule.title_ = std::move(*pattern);
  }
  if (rule.fingerprint_.empty() && rule.title_.empty()) {
    return Error{"invalid_rule", "a grouping rule gives a fingerprint, a title, or both"};
  }
  return rule;
}

bool GroupingRule::matches_event(const Matcher& matcher, const ReadEvent& event) {
  const auto holds = [&](std::string_view text) { return matcher.glob.matches(text); };
  const auto any_exception = [&](std::string_view EventException::*field) {
    return std::any_of(event.exceptions.begin(), event.exceptions.end(),
                       [&](const EventException& exception) { return holds(exception.*field); });
  };
  bool does = false;
  if (matcher.field == "type") does = holds(event.record.type) || any_exception(&EventException::type);
  if (matcher.field == "value" || matcher.field == "message") {
    does = holds(event.record.value) || any_exception(&EventException::value);
  }
  if (matcher.field == "level") does = holds(to_word(event.record.level));
  if (matcher.field == "transaction") does = holds(event.record.transaction);
  if (matcher.field.starts_with(kTagPrefix)) {
    does = holds(tag_of(event, std::string_view(matcher.field).substr(kTagPrefix.size())));
  }
  return does != matcher.is_negated;
}

bool GroupingRule::matches_frame(const Matcher& matcher, const EventFrame& frame) {
  std::string_view text = frame.function;
  if (matcher.field == "module") text = frame.module;
  if (matcher.field == "path") text = frame.filename;
  std::string path;
  if (matcher.field == "path" && text.find('\\') != std::string_view::npos) {
    path = text;
    std::replace(path.begin(), path.end(), '\\', '/');
    text = path;
  }
  return matcher.glob.matches(text) != matcher.is_negated;
}

bool GroupingRule::matches(const ReadEvent& event) const {
  const bool holds = std::all_of(event_matchers_.begin(), event_matchers_.end(),
                                 [&](const Matcher& matcher) { return matches_event(matcher, event); });
  if (!holds || frame_matchers_.empty()) return holds;
  return any_frame(event, [&](const EventFrame& frame) {
    return std::all_of(frame_matchers_.begin(), frame_matchers_.end(),
                       [&](const Matcher& matcher) { return matches_frame(matcher, frame); });
  });
}

std::vector<std::string> GroupingRule::fingerprint(const ReadEvent& event) const {
  std::vector<std::string> parts;
  parts.reserve(fingerprint_.size());
  for (const std::string& part : fingerprint_) parts.push_back(fill_in(part, event));
  return parts;
}

std::string GroupingRule::title(const ReadEvent& event) const { return fill_in(title_, event); }

}  // namespace trapline::collector
