#include "collector/http/issue_change.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "sdk/core/bounded_json.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

constexpr std::size_t kMostTextBytes = 200;
constexpr std::int64_t kMostCount = 1'000'000'000;
constexpr std::string_view kResolvedFields[] = {"in_release", "in_next_release"};
constexpr std::string_view kIgnoredFields[] = {"ignore_until", "ignore_count", "ignore_users"};

Error invalid(const std::string& message) { return {"invalid_parameter", message}; }

bool has_any(const json& body, std::span<const std::string_view> fields) {
  return std::any_of(fields.begin(), fields.end(), [&](std::string_view field) { return body.contains(field); });
}

Result<std::int64_t> read_threshold(const json& body, const char* field) {
  const json& value = body.at(field);
  if (!value.is_number_integer() || value.get<std::int64_t>() < 1 || value.get<std::int64_t>() > kMostCount) {
    return invalid(std::string(field) + " takes a whole number from 1 to 1000000000");
  }
  return value.get<std::int64_t>();
}

Status read_resolved(const json& body, std::string_view newest_release, IssueState& state) {
  if (body.contains("in_release") && body.contains("in_next_release")) {
    return invalid("in_release and in_next_release exclude each other");
  }
  if (body.contains("in_release")) {
    const json& release = body["in_release"];
    const bool is_name = release.is_string() && !release.get_ref<const std::string&>().empty() &&
                         release.get_ref<const std::string&>().size() <= kMostTextBytes;
    if (!is_name) return invalid("in_release takes a release's name of at most 200 bytes");
    state.resolved_release = release.get<std::string>();
  } else if (body.contains("in_next_release")) {
    if (!body["in_next_release"].is_boolean()) return invalid("in_next_release takes true or false");
    state.resolved_is_next = body["in_next_release"].get<bool>();
    // Without any release so far, whatever comes from now on is "next".
    if (state.resolved_is_next && !newest_release.empty()) state.resolved_release = newest_release;
  }
  return {};
}

Status read_ignored(const json& body, const Issue& issue, UnixMillis now, IssueState& state) {
  if (body.contains("ignore_until")) {
    const auto time = body["ignore_until"].is_string()
                          ? core::parse_timestamp(body["ignore_until"].get_ref<const std::string&>())
                          : std::nullopt;
    if (!time || *time <= now) return invalid("ignore_until takes an RFC 3339 time that is still to come");
    state.ignored_until = *time;
  }
  if (body.contains("ignore_count")) {
    const auto more = read_threshold(body, "ignore_count");
    if (!more) return more.error();
    state.ignored_until_count = issue.count + *more;
  }
  if (body.contains("ignore_users")) {
    const auto more = read_threshold(body, "ignore_users");
    if (!more) return more.error();
    state.ignored_until_users = issue.user_count + *more;
  }
  return {};
}

}  // namespace

Result<IssueChangeRequest> read_issue_change(std::string_view text, const Issue& issue, std::string_view newest_release,
                                             UnixMillis now) {
  const json body = core::parse_bounded_json(text);
  if (!body.is_object() || body.empty()) return invalid("the body is a JSON object with status, assignee, or both");
  constexpr std::string_view kFields[] = {"status", "assignee"};
  for (const auto& [field, value] : body.items()) {
    const auto is_it = [&, name = std::string_view(field)](std::string_view known) { return known == name; };
    const bool is_known = std::any_of(std::begin(kFields), std::end(kFields), is_it) ||
                          std::any_of(std::begin(kResolvedFields), std::end(kResolvedFields), is_it) ||
                          std::any_of(std::begin(kIgnoredFields), std::end(kIgnoredFields), is_it);
    if (!is_known) return invalid("an issue has no '" + field.substr(0, 60) + "' that can be changed");
  }
  IssueChangeRequest change;
  if (body.contains("assignee")) {
    const json& assignee = body["assignee"];
    const bool is_name =
        assignee.is_null() || (assignee.is_string() && assignee.get_ref<const std::string&>().size() <= kMostTextBytes);
    if (!is_name) return invalid("assignee takes a text of at most 200 bytes, or null for nobody");
    change.assignee = assignee.is_null() ? std::string() : assignee.get<std::string>();
  }
  std::optional<IssueStatus> status;
  if (body.contains("status")) {
    if (body["status"].is_string()) status = parse_issue_status(body["status"].get_ref<const std::string&>());
    if (!status) return invalid("status takes unresolved, resolved, ignored or archived");
  }
  if (status != IssueStatus::kResolved && has_any(body, kResolvedFields)) {
    return invalid("in_release and in_next_release go with the status resolved");
  }
  if (status != IssueStatus::kIgnored && has_any(body, kIgnoredFields)) {
    return invalid("ignore_until, ignore_count and ignore_users go with the status ignored");
  }
  if (!status) return change;
  IssueState state;
  state.status = *status;
  state.status_at = now;
  if (Status read = read_resolved(body, newest_release, state); !read) return read.error();
  if (Status read = read_ignored(body, issue, now, state); !read) return read.error();
  change.state = std::move(state);
  return change;
}

}  // namespace trapline::collector
