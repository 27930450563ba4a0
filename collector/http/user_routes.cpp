#include "collector/http/user_routes.h"

#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "collector/http/api_support.h"
#include "collector/http/authentication.h"
#include "collector/http/query_params.h"
#include "collector/http/user_export.h"
#include "collector/http/user_purges.h"
#include "sdk/core/bounded_json.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

constexpr std::size_t kMostUserValues = 100;

Error refuse_body(const std::string& message) { return {"invalid_parameter", message}; }

/// A list of texts such as "email:ada@example.com".
Status read_values(const json& list, UserSelector& user) {
  if (!list.is_array() || list.empty() || list.size() > kMostUserValues) {
    return refuse_body(R"('user' takes a list of one to 100 texts, as in ["id:42","email:ada@example.com"])");
  }
  for (const json& entry : list) {
    if (!entry.is_string()) return refuse_body("'user' takes a list of texts");
    auto value = parse_user_value(entry.get_ref<const std::string&>());
    if (!value) return refuse_body(value.error().message);
    user.values.push_back(std::move(*value));
  }
  return {};
}

Status read_project(const ApiContext& context, const json& value, UserSelector& user) {
  if (value.is_null()) return {};
  if (!value.is_string()) return refuse_body("'project_id' takes a project's id, a text");
  const auto id = read_path_id(value.get_ref<const std::string&>());
  if (!id) return refuse_body("'project_id' takes a project's id");
  const auto project = context.store.find_project(*id);
  if (!project) return project.error();
  if (!*project) return no_such("project", value.get_ref<const std::string&>());
  user.project = *id;
  return {};
}

/// `is_dry` null: that cannot be chosen.
Result<UserSelector> read_user_body(const ApiContext& context, const HttpRequest& request, bool* is_dry) {
  const json body = core::parse_bounded_json(request.body);
  if (!body.is_object()) return refuse_body("the body is a JSON object");
  UserSelector user;
  for (const auto& [name, value] : body.items()) {
    Status status;
    if (name == "user") {
      status = read_values(value, user);
    } else if (name == "project_id") {
      status = read_project(context, value, user);
    } else if (name == "dry_run" && is_dry != nullptr && value.is_boolean()) {
      *is_dry = value.get<bool>();
    } else {
      status = refuse_body("'" + name.substr(0, 60) + "' cannot be set here, or not to this");
    }
    if (!status) return status.error();
  }
  if (user.values.empty()) return refuse_body("'user' tells whose data: a list of texts such as \"id:42\"");
  return user;
}

json counts_json(const ErasureFacts& facts) {
  ErasedCounts total;
  for (const auto& [project, counts] : facts.counts) total += counts;
  return {
      {"events", total.events},         {"attachments", total.attachments},        {"feedback", total.feedback},
      {"sessions", total.sessions},     {"quarantined_events", total.quarantined}, {"search_names", total.names},
      {"issues_touched", total.issues}, {"issues_deleted", total.issues_deleted},  {"archived_events", total.archived}};
}

json to_json(const UserPurges::Purge& purge) {
  const bool is_done = !purge.is_running && !purge.error;
  json shown = {{"id", purge.id},
                {"state", purge.is_running ? "running"
                          : is_done        ? "done"
                                           : "failed"},
                {"dry_run", purge.is_dry},
                {"percent", purge.percent},
                {"started_at", core::format_timestamp(purge.started_at)},
                {"error", nullptr},
                {"counts", nullptr},
                {"report", nullptr}};
  if (purge.error) shown["error"] = {{"code", purge.error->code}, {"message", purge.error->message}};
  if (const auto& error = purge.outcome.archive_error) {
    shown["error"] = {{"code", error->code}, {"message", error->message}};
  }
  if (is_done) shown["counts"] = counts_json(purge.outcome.facts);
  if (is_done && !purge.is_dry) shown["report"] = json::parse(purge.outcome.report);
  return shown;
}

HttpReply start_purge(const ApiContext& context, const HttpRequest& request, const std::string& actor) {
  ErasureWish wish;
  const auto user = read_user_body(context, request, &wish.is_dry);
  if (!user) return error_reply(user.error());
  wish.user = *user;
  wish.requested_by = actor;
  const auto purge = context.purges->start(wish);
  if (!purge) return error_reply(purge.error());
  HttpReply reply = json_reply(to_json(*purge), 202);
  reply.headers.emplace_back("Location", "/api/v1/users/purges/" + purge->id);
  return reply;
}

HttpReply get_purge(const ApiContext& context, const HttpRequest& request, const std::string& /*actor*/) {
  const auto purge = context.purges->find(request.path_params.at(0));
  if (purge) return json_reply(to_json(*purge));
  Error unknown = no_such("purge", request.path_params.at(0));
  unknown.message += ", or the collector was started anew since: start it again, and it erases what is left";
  return error_reply(unknown);
}

HttpReply export_user(const ApiContext& context, const HttpRequest& request, const std::string& /*actor*/) {
  const auto user = read_user_body(context, request, nullptr);
  if (!user) return error_reply(user.error());
  auto begun = UserExport::begin(context.store, *context.payloads, *user, context.purges->archive());
  if (!begun) return error_reply(begun.error());
  std::shared_ptr<BodySource> rows = std::move(*begun);
  auto first = rows->next();
  if (!first) return error_reply(first.error());
  HttpReply reply;
  reply.content_type = "application/x-ndjson";
  reply.headers.emplace_back("Content-Disposition", "attachment; filename=\"trapline-user.ndjson\"");
  reply.headers.emplace_back("X-Accel-Buffering", "no");
  reply.body = std::move(first->bytes);
  if (!first->is_last) reply.rest = std::move(rows);
  return reply;
}

HttpReply get_report_key(const ApiContext& context, const HttpRequest& /*request*/) {
  const auto seed = context.store.report_seed();
  return seed ? json_reply({{"public_key", report_public_key(*seed)}}) : error_reply(seed.error());
}

}  // namespace

void add_user_routes(Router& router, const ApiContext& context) {
  if (context.purges == nullptr || context.payloads == nullptr) return;
  const auto changes = [&](const char* method, std::string_view pattern, ApiChange work) {
    add_changing(router, context, method, pattern, authenticate_admin, work);
  };
  add_reading(router, context, "/api/v1/users/report-key", get_report_key);
  changes("POST", "/api/v1/users/purges", start_purge);
  changes("GET", "/api/v1/users/purges/{purge}", get_purge);
  changes("POST", "/api/v1/users/export", export_user);
}

}  // namespace trapline::collector
