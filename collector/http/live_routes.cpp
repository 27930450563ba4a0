#include "collector/http/live_routes.h"

#include "collector/http/api_support.h"
#include "collector/http/live_feed.h"
#include "collector/http/query_params.h"

namespace trapline::collector {
namespace {

HttpReply open_stream(const ApiContext& context, const HttpRequest& request) {
  const auto project = read_project_param(request);
  if (!project) return error_reply(project.error());
  if (*project) {
    const auto found = context.store.find_project(**project);
    if (!found) return error_reply(found.error());
    if (!*found) return error_reply(no_such("project", std::to_string(**project)));
  }
  HttpReply reply;
  reply.content_type = "text/event-stream";
  reply.stream = context.live->subscribe(*project, request.header("last-event-id"));
  return reply;
}

}  // namespace

void add_live_routes(Router& router, const ApiContext& context) {
  if (context.live != nullptr) add_reading(router, context, "/api/v1/stream", open_stream);
}

}  // namespace trapline::collector
