#include "collector/http/stats_routes.h"

#include <map>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "collector/http/api_support.h"
#include "collector/http/query_params.h"
#include "collector/storage/time_span.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

constexpr UnixMillis kLongestSpanMs = 92 * kDayMs;

/// What became of the events of one hour, or of all.
struct Tally {
  std::int64_t stored = 0;
  std::int64_t counted_only = 0;
  std::int64_t quarantined = 0;
  std::int64_t duplicates = 0;
  std::int64_t unknown = 0;
  std::int64_t gathered = 0;                     ///< of `counted_only`, those that a client has counted and not sent
  std::map<std::string, std::int64_t> refused;   ///< by reason
  std::map<std::string, std::int64_t> not_sent;  ///< by reason

  void add(const LedgerEntry& entry) {
    if (entry.outcome == "stored") stored += entry.count;
    if (entry.outcome == "counted_only") counted_only += entry.count;
    if (entry.outcome == "counted_only" && entry.reason != "storm") gathered += entry.count;
    if (entry.outcome == "quarantined") quarantined += entry.count;
    if (entry.outcome == "duplicate") duplicates += entry.count;
    if (entry.outcome == "unknown") unknown += entry.count;
    if (entry.outcome == "refused") refused[entry.reason] += entry.count;
    if (entry.outcome == "not_sent") not_sent[entry.reason] += entry.count;
  }
};

json to_json(const Tally& tally) {
  return {{"accepted", tally.stored + tally.counted_only - tally.gathered + tally.quarantined},
          {"stored", tally.stored},
          {"counted_only", tally.counted_only},
          {"quarantined", tally.quarantined},
          {"duplicates", tally.duplicates},
          {"unknown", tally.unknown},
          {"refused", tally.refused},
          {"not_sent", tally.not_sent}};
}

HttpReply get_stats(const ApiContext& context, const HttpRequest& request) {
  const auto project = project_of_path(context, request);
  if (!project) return error_reply(project.error());
  const UnixMillis now = context.clock.unix_millis();
  const auto range = read_time_range(request, {now - kDayMs, now + 1});
  if (!range) return error_reply(range.error());
  if (range->to - range->from > kLongestSpanMs) {
    return error_reply(Error{"invalid_parameter", "the parameters 'from' and 'to' take 92 days at most"});
  }
  const auto entries = context.store.sum_ledger(project->id, range->from, range->to);
  if (!entries) return error_reply(entries.error());
  Tally all;
  std::map<UnixMillis, Tally> by_hour;
  for (const LedgerEntry& entry : *entries) {
    all.add(entry);
    by_hour[entry.hour].add(entry);
  }
  json hours = json::array();
  for (const auto& [hour, tally] : by_hour) {
    json shown = to_json(tally);
    shown["hour"] = core::format_timestamp(hour);
    hours.push_back(std::move(shown));
  }
  return json_reply({{"from", core::format_timestamp(range->from)},
                     {"to", core::format_timestamp(range->to)},
                     {"totals", to_json(all)},
                     {"hours", std::move(hours)}});
}

}  // namespace

void add_stats_routes(Router& router, const ApiContext& context) {
  add_reading(router, context, "/api/v1/projects/{id}/stats", get_stats);
}

}  // namespace trapline::collector
