#include "collector/http/reply.h"

#include <nlohmann/json.hpp>

namespace trapline::collector {
namespace {

struct StatusOfCode {
  std::string_view code;
  int http_status;
};

constexpr StatusOfCode kStatuses[] = {
    {"invalid_parameter", 400}, {"invalid_query", 400},
    {"invalid_cursor", 400},    {"invalid_json", 400},
    {"invalid_email", 400},     {"invalid_password", 400},
    {"not_signed_in", 401},     {"wrong_credentials", 401},
    {"forbidden", 403},         {"not_found", 404},
    {"invalid_setting", 400},   {"conflict", 409},
    {"body_too_large", 413},    {"unsupported_content_type", 415},
    {"too_many_attempts", 429}, {"storage", 503},
    {"search_timeout", 503},    {"busy", 503},
    {"spool_full", 503},        {"disk_full", 503},
};

}  // namespace

std::string_view HttpRequest::header(const std::string& lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found != headers.end() ? std::string_view(found->second) : std::string_view{};
}

std::string_view HttpRequest::query_value(const std::string& name) const {
  const auto found = query.find(name);
  return found != query.end() ? std::string_view(found->second) : std::string_view{};
}

HttpReply json_reply(const nlohmann::json& body, int status) {
  HttpReply reply;
  reply.status = status;
  reply.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return reply;
}

HttpReply error_reply(int status, std::string_view code, std::string_view message) {
  return json_reply({{"error", {{"code", code}, {"message", message}}}}, status);
}

HttpReply error_reply(const core::Error& error) {
  int status = 500;
  for (const StatusOfCode& entry : kStatuses) {
    if (entry.code == error.code) status = entry.http_status;
  }
  HttpReply reply = error_reply(status, error.code, error.message);
  if (status == 503) reply.headers.emplace_back("Retry-After", "5");
  if (status == 429) reply.headers.emplace_back("Retry-After", "60");
  return reply;
}

}  // namespace trapline::collector
