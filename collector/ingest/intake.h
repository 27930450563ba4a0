#pragma once

/// The three doors, without HTTP: a request's parts go in, an answer comes out, and between the two the events are on
/// disk.

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "collector/ingest/key_directory.h"
#include "collector/ingest/recent_ids.h"
#include "collector/ingest/request_parts.h"
#include "collector/ingest/spool.h"
#include "collector/storage/store.h"
#include "sdk/core/clock.h"

namespace trapline::collector {

/// The parts of an HTTP request that matter here. Views are borrowed for the call.
struct IntakeRequest {
  Door door = Door::kEvents;
  std::string_view path_project;  ///< as in the path; empty at /v1/events, where the key alone names the project
  std::string_view query_key;     ///< ?sentry_key=
  std::string_view query_client;  ///< ?sentry_client=
  std::string_view x_sentry_auth;
  std::string_view authorization;
  std::string_view content_type;
  std::string_view content_encoding;
  std::string_view environment;  ///< ?sentry_environment=
  std::string_view release;      ///< ?sentry_release=
  std::string_view client_ip;    ///< the connection's other end
  std::string_view user_agent;
  std::string_view body;  ///< as sent
};

struct IntakeReceipt {
  std::size_t accepted = 0;
  std::size_t duplicates = 0;
  std::vector<RejectedEvent> rejected;
  std::string event_id;  ///< for the envelope's and store's answer; empty when there is none
};

/// Why a whole request was refused.
struct IntakeRefusal {
  int http_status = 400;
  std::string code;
  std::string message;
  int retry_after_seconds = 0;  ///< 0: trying again does not help
};

/// What was counted since the start, for /metrics. `ignored_items` are envelope items of types that are not kept, by
/// type; types outside the published list count as "unknown", so that the list stays bounded.
struct IntakeCounts {
  std::uint64_t requests = 0;  ///< that were taken in
  std::uint64_t accepted = 0;
  std::uint64_t accepted_items = 0;  ///< that are no events
  std::uint64_t duplicates = 0;
  std::map<std::string, std::uint64_t> rejected;  ///< by reason, which is the error code
  std::map<std::string, std::uint64_t> ignored_items;
};

/// Thread-safe. Borrows the store and the spool, which must outlive it.
class Intake {
 public:
  Intake(Store& store, Spool& spool, IntakeLimits limits, const core::Clock& clock = core::system_clock());

  /// Takes a request in: key, project, decompression, splitting into events, spool. When it answers a receipt, every
  /// accepted event is on disk. Blocks for the disk.
  std::variant<IntakeReceipt, IntakeRefusal> take(const IntakeRequest& request);

  /// Counts a refusal that was decided before take(), such as a body over the limit.
  void count_rejected(std::string_view reason);

  [[nodiscard]] IntakeCounts counts() const;
  [[nodiscard]] const IntakeLimits& limits() const { return limits_; }

 private:
  Result<IntakeReceipt> take_in(const IntakeRequest& request);
  Result<ProjectId> project_for(const IntakeRequest& request, std::string_view key);
  Result<IntakeReceipt> spool_parts(ProjectId project, const IntakeRequest& request, RequestForm form,
                                    RequestParts parts);

  Spool& spool_;
  KeyDirectory keys_;
  RecentIds recent_ids_;
  IntakeLimits limits_;
  const core::Clock& clock_;
  mutable std::mutex counts_mutex_;
  IntakeCounts counts_;  ///< guarded by counts_mutex_
};

}  // namespace trapline::collector
