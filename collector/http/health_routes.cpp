#include "collector/http/health_routes.h"

#include <nlohmann/json.hpp>

#include "collector/http/metrics.h"

namespace trapline::collector {

void add_health_routes(Router& router, const HealthContext& context) {
  router.add("GET", "/healthz", [](const HttpRequest&) { return json_reply({{"status", "ok"}}); });
  router.add("GET", "/readyz", [context](const HttpRequest&) {
    Status status = context.store.check();
    // Anybody may ask: where the database is says the log.
    if (!status) return error_reply(Error{status.error().code, "the database does not answer"});
    status = context.spool.admit(0);
    return status ? json_reply({{"status", "ok"}}) : error_reply(status.error());
  });
  router.add("GET", "/metrics", [context](const HttpRequest&) {
    HttpReply reply;
    reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
    reply.body = render_metrics(context.intake, context.spool, context.digester, context.store);
    reply.body += render_item_metrics(context.items);
    reply.body += render_retention_metrics(context.retention);
    if (context.archive != nullptr) reply.body += render_archive_metrics(*context.archive);
    return reply;
  });
}

}  // namespace trapline::collector
