#include "collector/http/app.h"

#include <exception>

#include "collector/http/api_routes.h"
#include "collector/http/ingest_routes.h"
#include "collector/http/log.h"
#include "collector/http/metrics.h"
#include "collector/http/session_routes.h"

namespace trapline::collector {

namespace {

/// Paths of programs: what is not there is a JSON 404, not the dashboard's page.
bool is_api_path(std::string_view path) { return path == "/api" || path.starts_with("/api/") || is_ingest_path(path); }

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// The headers of every answer.
void add_common_headers(const HttpRequest& request, HttpResponse& response) {
  response.set_header("X-Content-Type-Options", "nosniff");
  if (is_ingest_path(request.path)) add_cross_origin_headers(response);
  if (request.path.starts_with("/api/v1/")) response.set_header("Cache-Control", "no-store");
}

HttpResponse options_response(const HttpRequest& request, std::vector<std::string> methods) {
  if (is_ingest_path(request.path)) return preflight_response(request);
  methods.emplace_back("OPTIONS");
  HttpResponse response{.status = 204, .content_type = {}, .body = {}, .headers = {}};
  response.set_header("Allow", join(methods));
  return response;
}

HttpResponse wrong_method(const HttpRequest& request, const std::vector<std::string>& methods) {
  HttpResponse response =
      error_response(405, "method_not_allowed", request.path.substr(0, 200) + " takes " + join(methods));
  response.set_header("Allow", join(methods));
  return response;
}

}  // namespace

HttpApp::HttpApp(const AppParts& parts) : parts_(parts), files_(parts.web_assets) {
  add_ingest_routes(router_, parts_.intake);
  add_session_routes(router_, parts_.accounts, parts_.public_url.starts_with("https://"));
  add_api_routes(
      router_,
      {.store = parts_.store, .accounts = parts_.accounts, .public_url = parts_.public_url, .clock = parts_.clock});
  add_status_routes();
}

std::size_t HttpApp::max_body_bytes(const HttpRequest& request) {
  const Router::Found found = find_route(request);
  return found.route == nullptr ? 0 : found.route->max_body_bytes;
}

HttpResponse HttpApp::handle(const HttpRequest& request) {
  HttpResponse response;
  try {
    response = route(request);
  } catch (const std::exception& problem) {
    log_event(Severity::kError, "request failed",
              {{"method", request.method}, {"path", request.path.substr(0, 200)}, {"error", problem.what()}});
    response = error_response(500, "internal", "the collector could not answer this; its log says why");
  }
  add_common_headers(request, response);
  return response;
}

HttpResponse HttpApp::refuse(const HttpRequest& request, int status, std::string_view code, std::string_view message) {
  // A body for a path that takes none is refused as too long; the path or method being wrong is what helps the sender.
  if (status == 413 && max_body_bytes(request) == 0) return handle(request);
  if (is_ingest_path(request.path)) parts_.intake.count_rejected(code);
  HttpResponse response = error_response(status, code, message);
  add_common_headers(request, response);
  return response;
}

Router::Found HttpApp::find_route(const HttpRequest& request) const {
  return router_.find(request.method, without_door_prefix(request.path));
}

HttpResponse HttpApp::route(const HttpRequest& request) const {
  const Router::Found found = find_route(request);
  if (request.method == "OPTIONS") return options_response(request, found.methods);
  if (found.route != nullptr) return found.route->handler(request, found.arguments);
  if (!found.methods.empty()) return wrong_method(request, found.methods);
  if (is_api_path(request.path)) {
    return error_response(404, "not_found", "there is nothing at " + request.path.substr(0, 200));
  }
  if (request.method != "GET" && request.method != "HEAD") return wrong_method(request, {"GET"});
  return files_.serve(request);
}

void HttpApp::add_status_routes() {
  router_.add({.method = "GET", .pattern = "/healthz", .handler = [](const HttpRequest&, const PathArguments&) {
                 return json_response(200, R"({"status":"ok"})");
               }});
  router_.add({.method = "GET", .pattern = "/readyz", .handler = [this](const HttpRequest&, const PathArguments&) {
                 return readiness();
               }});
  router_.add({.method = "GET", .pattern = "/metrics", .handler = [this](const HttpRequest&, const PathArguments&) {
                 return metrics();
               }});
}

HttpResponse HttpApp::readiness() const {
  const Status store = parts_.store.check();
  if (!store) return error_response(503, "not_ready", "the database does not answer: " + store.error().message);
  return json_response(200, R"({"status":"ready"})");
}

HttpResponse HttpApp::metrics() const {
  MetricsSnapshot snapshot{.intake = parts_.intake.counts(),
                           .digested = parts_.digester.digested(),
                           .digested_duplicates = parts_.digester.duplicates(),
                           .spool_events = parts_.spool.size(),
                           .issues = {},
                           .process = read_process_stats()};
  if (const auto issues = parts_.store.count_issues()) snapshot.issues = *issues;
  return HttpResponse{.status = 200,
                      .content_type = "text/plain; version=0.0.4; charset=utf-8",
                      .body = metrics_text(snapshot),
                      .headers = {}};
}

}  // namespace trapline::collector
