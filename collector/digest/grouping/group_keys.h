#pragma once

/// What decides which issue an event belongs to. An issue is found by the event's fine key; when that is new, by its
/// coarse key, which leaves out what a change to an outer caller changes, so that one issue can have several fine keys.
/// The algorithm has versions: what a version answers never changes, since stored issues are found by it (frozen by
/// tests/unit/collector/digest/grouping_golden.json); a project moves from one to the next without its issues noticing
/// (DigestedEvent::older_fingerprints).

#include <string>
#include <string_view>
#include <vector>

#include "collector/digest/event_reader.h"
#include "collector/digest/grouping/grouping_rules.h"

namespace trapline::collector {

constexpr int kOldestGrouping = 1;
constexpr int kNewestGrouping = 2;

/// One thing that was looked at, for those who wonder why an event is where it is.
struct GroupPart {
  std::string what;   ///< "fingerprint", "rule", "type", "frame", "value", "message"
  std::string value;  ///< as it counts: without what varies
  std::string of;     ///< what it was made from
  bool counts = true;
  std::string why;  ///< why it does not count
};

struct GroupKeys {
  std::string fine;              ///< 32 hex digits
  std::string coarse;            ///< 32 hex digits, or empty: events are led by the fine key alone
  std::vector<GroupPart> parts;  ///< only when asked for
};

/// Any thread. `rule_fingerprint` is what a project's rule gave, and wins over the client's; empty: no rule did.
GroupKeys group_keys(const ReadEvent& event, int version, const std::vector<std::string>& rule_fingerprint = {},
                     bool explains = false);

}  // namespace trapline::collector
