#include "collector/http/intake_routes.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "collector/http/api_support.h"
#include "collector/http/authentication.h"
#include "collector/http/query_params.h"
#include "collector/storage/time_span.h"
#include "sdk/core/event_id.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

constexpr UnixMillis kTwoWeeksMs = 14 * kDayMs;

HttpReply list_refusals(const ApiContext& context, const HttpRequest& request) {
  const auto project = project_of_path(context, request);
  if (!project) return error_reply(project.error());
  const UnixMillis now = context.clock.unix_millis();
  const auto range = read_time_range(request, {now - kTwoWeeksMs, now + 1});
  if (!range) return error_reply(range.error());
  const auto counts = context.store.find_refusals(project->id, range->from, range->to);
  if (!counts) return error_reply(counts.error());
  json hours = json::array();
  for (const RefusalCount& count : *counts) {
    hours.push_back({{"hour", core::format_timestamp(count.hour)}, {"reason", count.reason}, {"count", count.count}});
  }
  return json_reply({{"from", core::format_timestamp(range->from)},
                     {"to", core::format_timestamp(range->to)},
                     {"hours", std::move(hours)}});
}

json to_json(const StoredItem& item) {
  const auto& file = std::get<Attachment>(item.content);
  return {{"id", item.item_id},
          {"filename", file.filename},
          {"content_type", file.content_type},
          {"attachment_type", file.attachment_type},
          {"received_at", core::format_timestamp(item.received_at)}};
}

HttpReply list_attachments(const ApiContext& context, const HttpRequest& request) {
  const auto project = read_path_id(request.path_params.at(0));
  if (!project) return error_reply(project.error());
  const auto event_id = core::normalise_event_id(request.path_params.at(1));
  if (!event_id) return error_reply(Error{"invalid_parameter", "an event id is 32 hex digits"});
  const auto files = context.store.find_attachments(*project, *event_id, false);
  if (!files) return error_reply(files.error());
  json items = json::array();
  for (const StoredItem& item : *files) items.push_back(to_json(item));
  return json_reply({{"items", std::move(items)}, {"next_cursor", nullptr}});
}

/// The name as it may stand in a header: what could end the text or the line is replaced.
std::string header_name(std::string name) {
  std::replace_if(
      name.begin(), name.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '"' || c == '\\' || c == '/'; },
      '_');
  return name.empty() ? "attachment" : name;
}

HttpReply get_attachment(const ApiContext& context, const HttpRequest& request) {
  const auto project = read_path_id(request.path_params.at(0));
  if (!project) return error_reply(project.error());
  const auto event_id = core::normalise_event_id(request.path_params.at(1));
  const std::string& id = request.path_params.at(2);
  auto item = context.store.find_attachment(*project, id);
  if (!item) return error_reply(item.error());
  if (!*item || !event_id || std::get<Attachment>((*item)->content).event_id != *event_id) {
    return error_reply(Error{"not_found", "the event has no attachment " + id.substr(0, 80)});
  }
  auto& file = std::get<Attachment>((*item)->content);
  HttpReply reply;
  // Never as what its sender calls it: a page among the files must not run as one of ours.
  reply.content_type = "application/octet-stream";
  reply.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + header_name(file.filename) + "\"");
  reply.headers.emplace_back("Content-Security-Policy", "sandbox");
  reply.body = std::move(file.bytes);
  return reply;
}

}  // namespace

void add_intake_routes(Router& router, const ApiContext& context) {
  const auto add = [&](std::string_view pattern, ApiWork work) { add_reading(router, context, pattern, work); };
  add("/api/v1/projects/{id}/refusals", list_refusals);
  add("/api/v1/events/{project}/{event_id}/attachments", list_attachments);
  add("/api/v1/events/{project}/{event_id}/attachments/{attachment_id}", get_attachment);
}

}  // namespace trapline::collector
