/// The C interface (trapline.h): outgoing requests, feedback, sessions, threads.

#include <cmath>
#include <string>

#include <trapline/trapline.h>

#include "sdk/client/api_support.h"
#include "sdk/core/clock.h"
#include "sdk/core/event_id.h"
#include "sdk/core/json_writer.h"
#include "sdk/crash/alternate_stack.h"
#include "sdk/delivery/batch.h"
#include "sdk/stack/throw_hook.h"

using namespace trapline::sdk;
using namespace trapline::sdk::api;

namespace {

SessionEnd session_end(trapline_session_end end) {
  return end >= TRAPLINE_SESSION_HEALTHY && end <= TRAPLINE_SESSION_ABNORMAL ? static_cast<SessionEnd>(end)
                                                                             : SessionEnd::kAbnormal;
}

trapline_status sent_or_dropped(bool is_sent) {
  return is_sent ? TRAPLINE_OK : fail(TRAPLINE_DROPPED, "there is no room in the recorder");
}

}  // namespace

trapline_status trapline_register_thread(void) {
  return guarded([] {
    if (give_alternate_stack()) return TRAPLINE_OK;
    return fail(TRAPLINE_FAILED, "there is no memory for a signal handler's stack");
  });
}

trapline_status trapline_heartbeat(void) {
  return with_client([](Client& client) {
    if (client.beat()) return TRAPLINE_OK;
    return fail(TRAPLINE_INVALID_ARGUMENT, "nobody watches: set hang_timeout_ms");
  });
}

int trapline_can_remember_throws(void) { return has_throw_hook() ? 1 : 0; }

trapline_status trapline_record_http(const trapline_http_request* request, char* event_id) {
  const void* const caller = __builtin_return_address(0);
  const void* const frame = __builtin_frame_address(0);
  return with_client([&](Client& client) {
    if (request == nullptr || request->url == nullptr) return fail(TRAPLINE_INVALID_ARGUMENT, "the request has no URL");
    constexpr int kServerError = 500;
    const bool has_failed = request->status == 0 || request->status >= kServerError;
    const std::string url = client.scrub_text(request->url);
    const std::string method = request->method != nullptr ? request->method : "GET";
    trapline::core::JsonWriter data;
    data.begin_object().key("method").text(method).key("url").text(url);
    if (request->status != 0) data.key("status_code").number(request->status);
    data.key("duration_ms").number(std::llround(request->duration_ms));
    data.optional_text("reason", view(request->error));
    const std::string json = data.end_object().take();
    const auto level = static_cast<std::uint8_t>(has_failed ? TRAPLINE_LEVEL_ERROR : TRAPLINE_LEVEL_INFO);
    client.add_breadcrumb({trapline::core::system_clock().unix_millis(), level, "http", "http", {}, json});
    if (!has_failed || request->capture_failures == 0) return TRAPLINE_OK;

    // The query differs from one request to the next: the error is the same.
    const std::string outcome =
        request->status != 0 ? "HTTP " + std::to_string(request->status) : text_or_empty(request->error);
    const std::string message = method + " " + url.substr(0, url.find('?')) + " failed: " + outcome;
    const trapline::core::Exception exception{"HttpError", message, false};
    trapline_scope scope;
    scope.fields.set(FieldKind::kContext, 0, "http_request", json);
    CaptureRequest capture;
    capture.exceptions = std::span(&exception, 1);
    capture.scope = &scope;
    capture.mechanism = "http_client";
    capture.caller = caller;
    capture.frame = frame;
    return hand_out(client.capture(capture), event_id);
  });
}

trapline_status trapline_capture_feedback(const char* event_id, const char* name, const char* email,
                                          const char* comments) {
  return with_client([&](Client& client) {
    const auto id = trapline::core::normalise_event_id(view(event_id));
    if (!id || comments == nullptr) {
      return fail(TRAPLINE_INVALID_ARGUMENT, "event_id is no event's id (32 hex digits), or there are no comments");
    }
    trapline::core::JsonWriter report;
    report.begin_object().key("event_id").text(*id).key("comments").text(client.scrub_text(comments));
    if (client.options().sends_default_pii)
      report.optional_text("name", view(name)).optional_text("email", view(email));
    const std::string item = report.end_object().take();
    return sent_or_dropped(client.send_envelope(envelope(*id, R"({"type":"user_report"})", item)));
  });
}

trapline_status trapline_start_session(void) {
  return with_client([](Client& client) { return sent_or_dropped(client.start_session()); });
}

trapline_status trapline_end_session(trapline_session_end end) {
  return with_client([&](Client& client) {
    if (client.end_session(session_end(end))) return TRAPLINE_OK;
    return fail(TRAPLINE_INVALID_ARGUMENT, "no session is open");
  });
}

trapline_status trapline_record_request_session(trapline_session_end end) {
  return with_client([&](Client& client) {
    client.count_request(session_end(end));
    return TRAPLINE_OK;
  });
}
