#pragma once

/// Requests for tests of the spool, without the intake.

#include <string>
#include <vector>

#include "collector/ingest/spool.h"

namespace trapline::tests {

/// A request at /v1/events with events that carry the numbers.
struct SpoolRequest {
  collector::SpooledRequest request;
  std::string body;
};

inline std::string numbered_event_id(int number) { return std::string(26, 'c') + std::to_string(100'000 + number); }
inline std::string numbered_payload(int number) { return R"({"n":)" + std::to_string(number) + "}"; }

inline SpoolRequest spool_request(const std::vector<int>& numbers) {
  SpoolRequest made;
  made.request.project_id = 1;
  made.request.received_at = 7;
  made.request.body_hash = std::string(16, 'i');
  made.request.client_ip = "192.0.2.1";
  made.body = "[";
  for (const int number : numbers) {
    collector::RequestPart part;
    part.index = static_cast<std::uint32_t>(made.request.parts.size());
    part.event_id = numbered_event_id(number);
    part.payload = numbered_payload(number);
    made.request.parts.push_back(part);
    made.body += (made.body.size() > 1 ? "," : "") + part.payload;
  }
  made.body += "]";
  return made;
}

inline core::Status append(collector::Spool& spool, const std::vector<int>& numbers) {
  SpoolRequest made = spool_request(numbers);
  return spool.append(std::move(made.request), made.body);
}

}  // namespace trapline::tests
