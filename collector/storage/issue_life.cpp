#include "collector/storage/issue_life.h"

#include "collector/storage/release_version.h"
#include "sdk/core/json_writer.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {

UnixMillis time_of_occurrence(UnixMillis timestamp, UnixMillis received_at) {
  constexpr UnixMillis kMostSkewMs = UnixMillis{5} * 60'000;
  return timestamp > received_at - kMostSkewMs ? received_at : timestamp;
}

bool brings_back(const IssueState& state, std::string_view release, UnixMillis event_time,
                 const std::function<std::optional<UnixMillis>(std::string_view)>& first_seen_of) {
  if (state.status != IssueStatus::kResolved) return false;
  if (!state.resolved_release || release.empty()) return event_time > state.status_at;
  if (const auto order = compare_releases(release, *state.resolved_release)) {
    return state.resolved_is_next ? std::is_gt(*order) : std::is_gteq(*order);
  }
  const auto fix = first_seen_of(*state.resolved_release);
  const auto seen = first_seen_of(release);
  // A fix that is in no release anybody runs yet cannot have failed.
  if (!fix) return false;
  return seen.value_or(event_time) > *fix;
}

bool ends_ignoring(const IssueState& state, std::int64_t count, std::int64_t user_count, UnixMillis now) {
  if (state.status != IssueStatus::kIgnored) return false;
  return (state.ignored_until && now >= *state.ignored_until) ||
         (state.ignored_until_count && count >= *state.ignored_until_count) ||
         (state.ignored_until_users && user_count >= *state.ignored_until_users);
}

std::string describe_state(const IssueState& state) {
  core::JsonWriter json;
  json.begin_object().key("status").text(to_word(state.status));
  if (state.resolved_release)
    json.key(state.resolved_is_next ? "after_release" : "in_release").text(*state.resolved_release);
  if (state.ignored_until) json.key("until").text(core::format_timestamp(*state.ignored_until));
  if (state.ignored_until_count) json.key("until_count").number(*state.ignored_until_count);
  if (state.ignored_until_users) json.key("until_users").number(*state.ignored_until_users);
  json.end_object();
  return json.take();
}

}  // namespace trapline::collector
