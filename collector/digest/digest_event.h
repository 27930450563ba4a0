#pragma once

#include "collector/digest/digest_settings.h"
#include "collector/digest/event_source.h"
#include "collector/digest/grouping/group_keys.h"
#include "collector/storage/records.h"

namespace trapline::collector {

/// One event from the spool as the store takes it: scrubbed, normalised, grouped, assigned. Any thread. Throws
/// std::exception when it cannot be understood.
DigestedEvent digest_event(const SpooledEvent& event, const DigestSettings& settings);

/// Why an event is in its issue: its keys with all that was looked at. `event` is as it is stored.
struct GroupingExplanation {
  int version = kNewestGrouping;
  GroupKeys keys;
  std::string rule_title;  ///< what a project's rule calls it; empty: none does
};
GroupingExplanation explain_grouping(const DigestedEvent& event, const DigestSettings& settings);

}  // namespace trapline::collector
