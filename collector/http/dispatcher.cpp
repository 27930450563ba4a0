#include "collector/http/dispatcher.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "collector/http/authentication.h"
#include "collector/http/client_address.h"
#include "collector/http/ingest_routes.h"
#include "collector/http/static_files.h"

namespace trapline::collector {
namespace {

bool is_api_path(std::string_view path) { return path.starts_with("/api/") || path.starts_with("/v1/"); }
bool is_health_path(std::string_view path) { return path == "/healthz" || path == "/readyz" || path == "/metrics"; }

HttpReply too_often_reply(int seconds) {
  HttpReply reply = error_reply(429, "rate_limited", "this token, session or address asks more often than it may");
  reply.headers.emplace_back("Retry-After", std::to_string(seconds));
  return reply;
}

/// "/api/v1/issues/7/events" -> "issues": each kind of question has a limit of its own.
std::string_view resource_of(std::string_view path) {
  constexpr std::string_view kApi = "/api/v1/";
  if (!path.starts_with(kApi)) return path;
  path.remove_prefix(kApi.size());
  return path.substr(0, path.find('/'));
}

/// Whose requests at the API are counted together: by what they are let in with, however it is written.
std::string caller_of(const HttpRequest& request) {
  std::string caller(bearer_token(request).value_or(""));
  if (caller.empty()) caller = session_secret(request);
  if (caller.empty()) caller = request.peer;
  return caller + '\n' + std::string(resource_of(request.path));
}

}  // namespace

bool is_urgent_path(const std::string& path) { return find_door(path) || is_health_path(path); }

Dispatcher::Dispatcher(Router router, Intake& intake, std::vector<AddressRange> trusted_proxies,
                       std::int64_t api_requests_per_minute)
    : router_(std::move(router)),
      intake_(intake),
      trusted_proxies_(std::move(trusted_proxies)),
      api_buckets_(api_requests_per_minute, core::system_clock()),
      stranger_buckets_(api_requests_per_minute, core::system_clock()) {}

HttpReply Dispatcher::answer(const RequestHead& head, std::string_view body, const std::string& peer) {
  try {
    return route(head, body, peer);
  } catch (const std::exception& error) {
    spdlog::error("{} {} failed: {}", head.method, head.target, error.what());
    return error_reply(500, "internal", "the collector failed at this request; its log says why");
  }
}

HttpReply Dispatcher::route(const RequestHead& head, std::string_view body, const std::string& peer) {
  const std::string path = head.path();
  HttpRequest call;
  call.method = head.method;
  call.path = path;
  call.query = head.query();
  call.headers = head.headers;
  call.body = body;
  const std::string client = client_address(peer, call.header("x-forwarded-for"), trusted_proxies_);
  call.peer = client;
  if (const auto door = find_door(path)) {
    if (call.method == "POST") return take_in(intake_, *door, call);
    return call.method == "OPTIONS" ? answer_preflight(call) : refuse_method();
  }
  const bool is_page = !is_api_path(path) && !is_health_path(path) && (call.method == "GET" || call.method == "HEAD");
  if (is_page) return serve_dashboard(call);
  if (!is_health_path(path)) {
    // Tokens that are made up must not have a limit each.
    const int stranger_seconds = stranger_buckets_.seconds_until(client);
    const int seconds = std::max(stranger_seconds, api_buckets_.take(caller_of(call)));
    if (seconds > 0) return too_often_reply(seconds);
  }
  HttpReply reply = router_.route(call);
  if (reply.status == 401) static_cast<void>(stranger_buckets_.take(client));
  return reply;
}

void Dispatcher::count_refused(const RequestHead& head, std::string_view reason) {
  const std::string path = head.path();
  const auto door = find_door(path);
  if (!door) return intake_.count_rejected(reason);
  HttpRequest call;
  call.path = path;
  call.query = head.query();
  call.headers = head.headers;
  collector::count_refused(intake_, *door, call, reason);
}

}  // namespace trapline::collector
