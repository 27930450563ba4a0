#include "collector/ingest/item_types.h"

#include <algorithm>
#include <array>

namespace trapline::collector {
namespace {

/// Logs, spans, metrics, profiles and replays belong to products that Trapline is not: declared unsupported.
constexpr std::array<ItemType, 25> kItemTypes{{
    {"attachment", ItemKind::kAttachment},
    {"check_in", ItemKind::kCheckIn},
    {"client_report", ItemKind::kClientReport},
    {"event", ItemKind::kEvent},
    {"feedback", ItemKind::kFeedback},
    {"log", std::nullopt},
    {"metric", std::nullopt},
    {"metric_buckets", std::nullopt},
    {"nel", std::nullopt},
    {"otel_log", std::nullopt},
    {"otel_span", std::nullopt},
    {"profile", std::nullopt},
    {"profile_chunk", std::nullopt},
    {"raw_security", std::nullopt},
    {"replay_event", std::nullopt},
    {"replay_recording", std::nullopt},
    {"replay_video", std::nullopt},
    {"session", ItemKind::kSession},
    {"sessions", ItemKind::kSessions},
    {"span", std::nullopt},
    {"statsd", std::nullopt},
    {"trace_metric", std::nullopt},
    {"transaction", ItemKind::kTransaction},
    {"unreal_report", std::nullopt},
    {"user_report", ItemKind::kUserReport},
}};

}  // namespace

ItemType item_type(std::string_view type) {
  const auto* const found = std::find_if(kItemTypes.begin(), kItemTypes.end(),
                                         [&](const ItemType& known) { return known.counted_as == type; });
  return found != kItemTypes.end() ? *found : ItemType{"unknown", std::nullopt};
}

std::span<const ItemType> item_types() { return kItemTypes; }

}  // namespace trapline::collector
