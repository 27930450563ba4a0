#include "collector/http/issue_routes.h"

#include <vector>

#include <nlohmann/json.hpp>

#include "collector/http/api_json.h"
#include "collector/http/api_support.h"
#include "collector/http/authentication.h"
#include "collector/http/issue_change.h"
#include "collector/http/live_feed.h"
#include "collector/http/query_params.h"
#include "sdk/core/bounded_json.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

constexpr std::size_t kMostIds = 1'000;

template <class T>
HttpReply list_reply(const Result<std::vector<T>>& list) {
  if (!list) return error_reply(list.error());
  json items = json::array();
  for (const T& one : *list) items.push_back(to_json(one));
  return json_reply({{"items", std::move(items)}, {"next_cursor", nullptr}});
}

/// Tells those who watch that the issue has changed.
void announce(const ApiContext& context, IssuePlace place) {
  if (context.live != nullptr) context.live->issue_changed(place);
}
void announce(const ApiContext& context, const Issue& issue) {
  announce(context, IssuePlace{issue.id, issue.project_id});
}

HttpReply patch_issue(const ApiContext& context, const HttpRequest& request, const std::string& actor) {
  auto issue = issue_of_path(context, request);
  if (!issue) return error_reply(issue.error());
  const auto newest = context.store.newest_release(issue->project_id);
  if (!newest) return error_reply(newest.error());
  const auto change = read_issue_change(request.body, *issue, *newest, context.clock.unix_millis());
  if (!change) return error_reply(change.error());
  if (change->state) issue = context.store.set_issue_state(issue->id, *change->state, actor);
  if (issue && change->assignee) issue = context.store.assign_issue(issue->id, *change->assignee, actor);
  if (!issue) return error_reply(issue.error());
  announce(context, *issue);
  return json_reply(to_json(*issue));
}

/// The ids that a body's list holds, as texts.
Result<std::vector<std::int64_t>> read_ids(std::string_view text, const char* field) {
  const json body = core::parse_bounded_json(text);
  const bool is_list = body.is_object() && body.contains(field) && body[field].is_array() && !body[field].empty() &&
                       body[field].size() <= kMostIds;
  if (!is_list)
    return Error{"invalid_parameter", std::string("the body is {\"") + field + "\": [\"<id>\", …]} with 1 to 1000 ids"};
  std::vector<std::int64_t> ids;
  for (const json& one : body[field]) {
    const auto id = one.is_string() ? read_path_id(one.get_ref<const std::string&>()) : Error{"invalid_parameter", ""};
    if (!id)
      return Error{"invalid_parameter", std::string(field) + " takes ids as texts, not " +
                                            one.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 60)};
    ids.push_back(*id);
  }
  return ids;
}

HttpReply merge_issues(const ApiContext& context, const HttpRequest& request, const std::string& actor) {
  const auto issue = issue_of_path(context, request);
  if (!issue) return error_reply(issue.error());
  const auto others = read_ids(request.body, "issues");
  if (!others) return error_reply(others.error());
  const auto merged = context.store.merge_issues(issue->id, *others, actor);
  if (!merged) return error_reply(merged.error());
  announce(context, *merged);
  for (const IssueId other : *others) announce(context, IssuePlace{other, merged->project_id});
  return json_reply(to_json(*merged));
}

HttpReply unmerge_issue(const ApiContext& context, const HttpRequest& request, const std::string& actor) {
  const auto issue = issue_of_path(context, request);
  if (!issue) return error_reply(issue.error());
  const auto hashes = read_ids(request.body, "hashes");
  if (!hashes) return error_reply(hashes.error());
  const auto made = context.store.unmerge_hashes(issue->id, *hashes, actor);
  if (!made) return error_reply(made.error());
  announce(context, *issue);
  announce(context, *made);
  return json_reply(to_json(*made), 201);
}

HttpReply list_hashes(const ApiContext& context, const HttpRequest& request) {
  const auto issue = issue_of_path(context, request);
  return issue ? list_reply(context.store.list_hashes(issue->id)) : error_reply(issue.error());
}

HttpReply list_history(const ApiContext& context, const HttpRequest& request) {
  const auto issue = issue_of_path(context, request);
  return issue ? list_reply(context.store.list_history(issue->id)) : error_reply(issue.error());
}

}  // namespace

void add_issue_routes(Router& router, const ApiContext& context) {
  const auto reads = [&](std::string_view pattern, ApiWork work) { add_reading(router, context, pattern, work); };
  const auto writes = [&](const char* method, std::string_view pattern, ApiChange work) {
    add_changing(router, context, method, pattern, authenticate_writer, work);
  };
  writes("PATCH", "/api/v1/issues/{id}", patch_issue);
  writes("POST", "/api/v1/issues/{id}/merge", merge_issues);
  writes("POST", "/api/v1/issues/{id}/unmerge", unmerge_issue);
  reads("/api/v1/issues/{id}/hashes", list_hashes);
  reads("/api/v1/issues/{id}/history", list_history);
}

}  // namespace trapline::collector
