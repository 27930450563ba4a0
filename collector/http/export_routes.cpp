#include "collector/http/export_routes.h"

#include <memory>
#include <string>
#include <utility>

#include "collector/http/api_support.h"
#include "collector/http/export.h"
#include "collector/http/query_params.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

constexpr std::size_t kDateCharacters = 10;  // 2026-11-27

using MakeExport = std::unique_ptr<Export> (*)(Store&, ExportFormat, const ExportFilter&);

/// The first piece is made at once: what is wrong with the filter, or with the database, is an answer of its own.
HttpReply export_reply(const ApiContext& context, const HttpRequest& request, std::string_view what,
                       MakeExport make_export) {
  const auto format = read_export_format(request);
  if (!format) return error_reply(format.error());
  auto filter = read_export_filter(request);
  if (!filter) return error_reply(filter.error());
  auto search = read_search(context, request);
  if (!search) return error_reply(search.error());
  filter->search = *std::move(search);
  std::shared_ptr<Export> rows = make_export(context.store, *format, *filter);
  auto first = rows->next();
  if (!first) return error_reply(first.error());
  HttpReply reply;
  reply.content_type = media_type(*format);
  std::string name = "trapline-" + std::string(what) + "-";
  name += core::format_timestamp(context.clock.unix_millis()).substr(0, kDateCharacters);
  name += "." + std::string(to_word(*format));
  reply.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + name + "\"");
  // nginx would take all of a long export in and keep it until its client wants it.
  reply.headers.emplace_back("X-Accel-Buffering", "no");
  reply.body = std::move(first->bytes);
  if (!first->is_last) reply.rest = std::move(rows);
  return reply;
}

HttpReply get_issues(const ApiContext& context, const HttpRequest& request) {
  return export_reply(context, request, "issues", export_issues);
}

HttpReply get_events(const ApiContext& context, const HttpRequest& request) {
  return export_reply(context, request, "events", export_events);
}

}  // namespace

void add_export_routes(Router& router, const ApiContext& context) {
  add_reading(router, context, "/api/v1/issues/export", get_issues);
  add_reading(router, context, "/api/v1/events/export", get_events);
}

}  // namespace trapline::collector
