#include "collector/http/ingest_routes.h"

#include <algorithm>
#include <string>
#include <variant>

#include <nlohmann/json.hpp>

namespace trapline::collector {
namespace {

struct DoorName {
  std::string_view name;
  Door door;
};
constexpr DoorName kDoorNames[] = {{"envelope", Door::kEnvelope},
                                   {"store", Door::kStore},
                                   {"security", Door::kSecurity},
                                   {"minidump", Door::kMinidump}};

/// The form that crash handlers note as the report's name.
std::string with_dashes(const std::string& id) {
  if (id.size() != 32) return id;
  return id.substr(0, 8) + '-' + id.substr(8, 4) + '-' + id.substr(12, 4) + '-' + id.substr(16, 4) + '-' +
         id.substr(20);
}

/// Sentry clients print this header in their debug mode. It must stay one line.
void add_sentry_error(HttpReply& reply, std::string line) {
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  reply.headers.emplace_back("X-Sentry-Error", std::move(line));
}

void add_limits(HttpReply& reply, int retry_after_seconds, const std::string& rate_limits) {
  if (retry_after_seconds > 0) reply.headers.emplace_back("Retry-After", std::to_string(retry_after_seconds));
  if (!rate_limits.empty()) reply.headers.emplace_back("X-Sentry-Rate-Limits", rate_limits);
}

HttpReply receipt_body(Door door, const IntakeReceipt& receipt) {
  if (door == Door::kMinidump) {
    HttpReply reply;
    reply.content_type = "text/plain";
    reply.body = with_dashes(receipt.event_id);
    return reply;
  }
  nlohmann::json rejected = nlohmann::json::array();
  for (const RejectedEvent& event : receipt.rejected) {
    rejected.push_back({{"index", event.index}, {"code", event.code}, {"message", event.message}});
  }
  if (door != Door::kEvents) {
    nlohmann::json body = nlohmann::json::object();
    if (!receipt.event_id.empty()) body["id"] = receipt.event_id;
    if (!rejected.empty()) body["rejected"] = std::move(rejected);
    return json_reply(body);
  }
  return json_reply(
      {{"accepted", receipt.accepted}, {"duplicates", receipt.duplicates}, {"rejected", std::move(rejected)}}, 202);
}

HttpReply receipt_reply(Door door, const IntakeReceipt& receipt) {
  HttpReply reply = receipt_body(door, receipt);
  if (!receipt.rejected.empty()) add_sentry_error(reply, receipt.rejected.front().message);
  add_limits(reply, receipt.retry_after_seconds, receipt.rate_limits);
  return reply;
}

HttpReply refusal_reply(const IntakeRefusal& refusal) {
  HttpReply reply = error_reply(refusal.http_status, refusal.code, refusal.message);
  add_sentry_error(reply, refusal.message);
  add_limits(reply, refusal.retry_after_seconds, refusal.rate_limits);
  return reply;
}

/// The origin of the page that sends: of the header, or of the page's address where that is missing.
std::string_view origin_of(const HttpRequest& request) {
  const std::string_view origin = request.header("origin");
  if (!origin.empty()) return origin;
  const std::string_view referer = request.header("referer");
  const std::size_t scheme_end = referer.find("://");
  if (scheme_end == std::string_view::npos) return {};
  return referer.substr(0, referer.find('/', scheme_end + 3));
}

/// Views into both.
IntakeRequest to_intake_request(const DoorPath& door, const HttpRequest& request) {
  IntakeRequest intake_request;
  intake_request.door = door.door;
  intake_request.path_project = door.project;
  intake_request.query_key = request.query_value("sentry_key");
  intake_request.query_client = request.query_value("sentry_client");
  intake_request.environment = request.query_value("sentry_environment");
  intake_request.release = request.query_value("sentry_release");
  intake_request.client_ip = request.peer;
  intake_request.user_agent = request.header("user-agent");
  intake_request.origin = origin_of(request);
  intake_request.signature = request.header("x-trapline-signature");
  intake_request.x_sentry_auth = request.header("x-sentry-auth");
  intake_request.authorization = request.header("authorization");
  intake_request.content_type = request.header("content-type");
  intake_request.content_encoding = request.header("content-encoding");
  intake_request.body = request.body;
  return intake_request;
}

}  // namespace

void allow_any_origin(HttpReply& reply) {
  reply.headers.emplace_back("Access-Control-Allow-Origin", "*");
  reply.headers.emplace_back("Access-Control-Expose-Headers", "X-Sentry-Error, X-Sentry-Rate-Limits, Retry-After");
  reply.headers.emplace_back("Cross-Origin-Resource-Policy", "cross-origin");
}

std::optional<DoorPath> find_door(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "/v1/events") return DoorPath{Door::kEvents, {}};
  DoorPath found;
  const std::size_t door_slash = path.rfind('/');
  if (door_slash == std::string_view::npos) return std::nullopt;
  const auto* const named = std::find_if(std::begin(kDoorNames), std::end(kDoorNames),
                                         [&](const DoorName& one) { return one.name == path.substr(door_slash + 1); });
  if (named == std::end(kDoorNames)) return std::nullopt;
  found.door = named->door;
  constexpr std::string_view kApi = "/api/";
  path = path.substr(0, door_slash);
  const std::size_t last_slash = path.rfind('/');
  if (last_slash == std::string_view::npos || !path.substr(0, last_slash + 1).ends_with(kApi)) return std::nullopt;
  found.project = path.substr(last_slash + 1);
  return found;
}

HttpReply take_in(Intake& intake, const DoorPath& door, const HttpRequest& request) {
  const IntakeRequest intake_request = to_intake_request(door, request);
  const auto outcome = intake.take(intake_request);
  const auto* receipt = std::get_if<IntakeReceipt>(&outcome);
  HttpReply reply =
      receipt != nullptr ? receipt_reply(door.door, *receipt) : refusal_reply(std::get<IntakeRefusal>(outcome));
  allow_any_origin(reply);
  return reply;
}

HttpReply answer_preflight(const HttpRequest& request) {
  HttpReply reply;
  reply.status = 204;
  allow_any_origin(reply);
  reply.headers.emplace_back("Access-Control-Allow-Methods", "POST");
  // A header that we did not name would lose every event of the page that sends it.
  const std::string_view wanted = request.header("access-control-request-headers");
  reply.headers.emplace_back(
      "Access-Control-Allow-Headers",
      !wanted.empty() ? std::string(wanted) : "Content-Type, Content-Encoding, X-Sentry-Auth, Authorization");
  reply.headers.emplace_back("Access-Control-Max-Age", "86400");
  return reply;
}

HttpReply refuse_method() {
  HttpReply reply = error_reply(405, "method_not_allowed", "events are sent to this path with POST");
  reply.headers.emplace_back("Allow", "POST, OPTIONS");
  allow_any_origin(reply);
  return reply;
}

HttpReply refuse_large_body(std::size_t max_bytes) {
  IntakeRefusal refusal;
  refusal.http_status = 413;
  refusal.code = "body_too_large";
  refusal.message = "the body is larger than the limit of " + std::to_string(max_bytes) + " bytes";
  return refusal_reply(refusal);
}

void count_refused(Intake& intake, const DoorPath& door, const HttpRequest& request, std::string_view reason) {
  intake.count_refused(to_intake_request(door, request), reason);
}

}  // namespace trapline::collector
