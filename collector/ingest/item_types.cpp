#include "collector/ingest/item_types.h"

#include <algorithm>
#include <array>

namespace trapline::collector {
namespace {

constexpr std::array<ItemType, 20> kItemTypes{{
    {"event", ItemHandling::kDigest},         {"attachment", ItemHandling::kIgnore},
    {"check_in", ItemHandling::kIgnore},      {"client_report", ItemHandling::kIgnore},
    {"feedback", ItemHandling::kIgnore},      {"log", ItemHandling::kIgnore},
    {"metric", ItemHandling::kIgnore},        {"profile", ItemHandling::kIgnore},
    {"profile_chunk", ItemHandling::kIgnore}, {"raw_security", ItemHandling::kIgnore},
    {"replay_event", ItemHandling::kIgnore},  {"replay_recording", ItemHandling::kIgnore},
    {"replay_video", ItemHandling::kIgnore},  {"session", ItemHandling::kIgnore},
    {"sessions", ItemHandling::kIgnore},      {"span", ItemHandling::kIgnore},
    {"statsd", ItemHandling::kIgnore},        {"trace_metric", ItemHandling::kIgnore},
    {"transaction", ItemHandling::kIgnore},   {"user_report", ItemHandling::kIgnore},
}};

}  // namespace

ItemType item_type(std::string_view type) {
  const auto* const found = std::find_if(kItemTypes.begin(), kItemTypes.end(),
                                         [&](const ItemType& known) { return known.counted_as == type; });
  return found != kItemTypes.end() ? *found : ItemType{"unknown", ItemHandling::kIgnore};
}

}  // namespace trapline::collector
