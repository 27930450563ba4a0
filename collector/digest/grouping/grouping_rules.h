#pragma once

/// A project's own say in grouping: rules that give matching events a fingerprint or a title. The first that matches
/// wins. As JSON, in a project's settings:
///
///   {"match": {"type": "Timeout*", "path": "**/net/*", "tags.region": "eu-*"},
///    "fingerprint": ["timeout", "{{ tags.region }}"], "title": "Timeout in {{ function }}"}
///
/// Matchers take globs (glob.h), with "!" before them for the opposite: type, value (or message), level, transaction,
/// tags.<name> look at the event and any of its exceptions; function, path, module at its frames: those of one rule
/// must hold for one and the same frame. Both fingerprint and title may hold variables: {{ default }} (only in the
/// fingerprint), {{ type }}, {{ value }}, {{ function }}, {{ module }}, {{ path }}, {{ level }}, {{ transaction }}, {{
/// tags.<name> }}.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "collector/digest/event_reader.h"
#include "collector/digest/grouping/glob.h"
#include "sdk/core/result.h"

namespace trapline::collector {

class GroupingRule {
 public:
  /// Errors: "invalid_rule", "invalid_pattern", saying what is wrong.
  static core::Result<GroupingRule> read(const nlohmann::json& written);

  [[nodiscard]] bool matches(const ReadEvent& event) const;

  /// With the event's values filled in; "{{ default }}" stays as it is. Empty: the rule gives none.
  [[nodiscard]] std::vector<std::string> fingerprint(const ReadEvent& event) const;
  [[nodiscard]] std::string title(const ReadEvent& event) const;

 private:
  struct Matcher {
    std::string field;
    Glob glob;
    bool is_negated = false;
  };
  [[nodiscard]] static bool matches_event(const Matcher& matcher, const ReadEvent& event);
  [[nodiscard]] static bool matches_frame(const Matcher& matcher, const EventFrame& frame);

  std::vector<Matcher> event_matchers_;
  std::vector<Matcher> frame_matchers_;
  std::vector<std::string> fingerprint_;
  std::string title_;
};

}  // namespace trapline::collector
