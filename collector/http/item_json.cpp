#include "collector/http/item_json.h"

#include <nlohmann/json.hpp>

#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

json text_or_null(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }
/// Clients that tell no duration have -1.
json duration_or_null(std::int64_t milliseconds) { return milliseconds < 0 ? json(nullptr) : json(milliseconds); }

std::string_view to_word(SessionStatus status) {
  switch (status) {
    case SessionStatus::kOk:
      return "ok";
    case SessionStatus::kExited:
      return "exited";
    case SessionStatus::kErrored:
      return "errored";
    case SessionStatus::kUnhandled:
      return "unhandled";
    case SessionStatus::kCrashed:
      return "crashed";
    case SessionStatus::kAbnormal:
      break;
  }
  return "abnormal";
}

std::string_view to_word(CheckInStatus status) {
  switch (status) {
    case CheckInStatus::kInProgress:
      return "in_progress";
    case CheckInStatus::kOk:
      return "ok";
    case CheckInStatus::kError:
      break;
  }
  return "error";
}

}  // namespace

nlohmann::json fields_of(const SessionUpdate& session) {
  return {{"sid", session.sid},
          {"user", text_or_null(session.user)},
          {"status", to_word(session.status)},
          {"errors", session.errors},
          {"started", core::format_timestamp(session.started)},
          {"duration_ms", duration_or_null(session.duration_ms)},
          {"release", text_or_null(session.release)},
          {"environment", text_or_null(session.environment)}};
}

nlohmann::json fields_of(const SessionCounts& counts) {
  return {{"user", text_or_null(counts.user)},
          {"started", core::format_timestamp(counts.started)},
          {"exited", counts.exited},
          {"errored", counts.errored},
          {"crashed", counts.crashed},
          {"abnormal", counts.abnormal},
          {"release", text_or_null(counts.release)},
          {"environment", text_or_null(counts.environment)}};
}

nlohmann::json fields_of(const UserReport& report) {
  return {{"event_id", text_or_null(report.event_id)},
          {"name", text_or_null(report.name)},
          {"email", text_or_null(report.email)},
          {"message", report.message},
          {"url", text_or_null(report.url)}};
}

nlohmann::json fields_of(const CheckIn& check_in) {
  json config = json::parse(check_in.monitor_config, nullptr, false);
  if (config.is_discarded()) config = nullptr;
  return {{"check_in_id", check_in.check_in_id},       {"monitor", check_in.monitor},
          {"status", to_word(check_in.status)},        {"duration_ms", duration_or_null(check_in.duration_ms)},
          {"release", text_or_null(check_in.release)}, {"environment", text_or_null(check_in.environment)},
          {"monitor_config", std::move(config)}};
}

nlohmann::json fields_of(const Transaction& transaction) {
  return {{"event_id", text_or_null(transaction.event_id)},
          {"name", transaction.name},
          {"operation", text_or_null(transaction.operation)},
          {"status", text_or_null(transaction.status)},
          {"trace_id", text_or_null(transaction.trace_id)},
          {"started", core::format_timestamp(transaction.started)},
          {"duration_ms", duration_or_null(transaction.duration_ms)},
          {"release", text_or_null(transaction.release)},
          {"environment", text_or_null(transaction.environment)}};
}

nlohmann::json fields_of(const Attachment& file) {
  return {{"event_id", text_or_null(file.event_id)},
          {"filename", file.filename},
          {"content_type", text_or_null(file.content_type)},
          {"attachment_type", text_or_null(file.attachment_type)},
          {"size", file.bytes.size()}};
}

}  // namespace trapline::collector
