#pragma once

/// The doors, without HTTP: a request's parts go in, an answer comes out, and between the two the events are on
/// disk.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

#include "collector/ingest/hour_quota.h"
#include "collector/ingest/key_directory.h"
#include "collector/ingest/recent_ids.h"
#include "collector/ingest/refusal_log.h"
#include "collector/ingest/request_parts.h"
#include "collector/ingest/signature.h"
#include "collector/ingest/spool.h"
#include "collector/ingest/token_bucket.h"
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
  std::string_view origin;     ///< of the page that sends; empty: no page does
  std::string_view signature;  ///< X-Trapline-Signature
  std::string_view body;       ///< as sent
};

struct IntakeReceipt {
  std::size_t accepted = 0;
  std::size_t duplicates = 0;
  std::vector<RejectedEvent> rejected;
  std::string event_id;         ///< for the envelope's and store's answer; empty when there is none
  int retry_after_seconds = 0;  ///< when some were over a limit, as in a refusal; the next
  std::string rate_limits;
};

/// Why a whole request was refused.
struct IntakeRefusal {
  int http_status = 400;
  std::string code;
  std::string message;
  int retry_after_seconds = 0;  ///< 0: trying again does not help
  std::string rate_limits;      ///< the value of X-Sentry-Rate-Limits; empty: no limit was reached
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

/// What is asked of a request, in this order, each before more work is spent on it: its size; the ceilings of the
/// instance and of the address; room in the spool and on the disk; key and project; address, page and signature; the
/// hour's quota. Only then is the body inflated and read.
///
/// Thread-safe. Borrows the store and the spool, which must outlive it.
class Intake {
 public:
  /// In `folder` lies what outlives the process: nonces that were used, and what of the hours' quotas. Empty: nothing
  /// does.
  Intake(IngestStore& store, Spool& spool, IntakeLimits limits, const core::Clock& clock = core::system_clock(),
         const std::string& folder = {});

  /// Takes a request in: key, project, decompression, splitting into events, spool. When it answers a receipt, every
  /// accepted event is on disk. Blocks for the disk.
  std::variant<IntakeReceipt, IntakeRefusal> take(const IntakeRequest& request);

  /// Counts a refusal that was decided before there was a request.
  void count_rejected(std::string_view reason, std::int64_t events = 1);
  /// Counts the refusal of a request whose body was not read, such as one over the limit.
  void count_refused(const IntakeRequest& request, std::string_view reason);

  /// How many events an hour the project may send; 0: no limit, or no such project.
  [[nodiscard]] std::int64_t events_per_hour(ProjectId project) const;
  /// So many of the project's events were counted on their issue and not kept: they do not count for its hour. Those of
  /// a key's limit do.
  void give_back(ProjectId project, std::int64_t events);

  /// To be called every two seconds or so: takes changes of projects and keys over, writes down what was refused.
  void keep_house();

  /// What was used of the limits at the doors of others that share the database.
  void add_use(std::span<const QuotaUse> of_others) { quotas_.add_use(of_others); }

  [[nodiscard]] IntakeCounts counts() const;
  [[nodiscard]] const IntakeLimits& limits() const { return limits_; }

 private:
  /// What is known of a request, for its refusal.
  struct Progress {
    std::shared_ptr<const KeyFacts> key;
    bool has_nonce = false;   ///< its signature's was remembered
    std::int64_t events = 1;  ///< in it; a request that was not read counts as one
    int retry_after_seconds = 0;
    std::string rate_limits;
  };

  /// Gives a turn among the large bodies back.
  struct EndTurn {
    void operator()(std::counting_semaphore<>* turns) const { turns->release(); }
  };
  using Turn = std::unique_ptr<std::counting_semaphore<>, EndTurn>;

  struct DecodedBody {
    std::string storage;     ///< empty when the body was not compressed
    std::string_view bytes;  ///< in `storage`, or the request's own
    Turn turn;
    DecodedBody() = default;
    DecodedBody(DecodedBody&& other) noexcept
        : storage(std::move(other.storage)),
          bytes(storage.empty() ? other.bytes : std::string_view(storage)),
          turn(std::move(other.turn)) {}
  };

  Result<IntakeReceipt> take_in(const IntakeRequest& request, Progress& progress);
  Result<DecodedBody> decode_bounded(const IntakeRequest& request, Progress& progress);
  Status check_ceilings(const IntakeRequest& request, Progress& progress);
  Result<std::shared_ptr<const KeyFacts>> open_door(const IntakeRequest& request, std::string_view key);
  Status check_gate(const IntakeRequest& request, const KeyFacts& key) const;
  Status check_signature(const IntakeRequest& request, Progress& progress);
  Status check_quota(const KeyFacts& key, Progress& progress);
  Result<IntakeReceipt> spool_parts(const Progress& progress, const IntakeRequest& request, RequestForm form,
                                    RequestParts parts);
  RecentIds::Claim claim_events(ProjectId project, const RequestParts& parts);
  /// Leaves out what is not in the claim or comes twice; answers the ids of the events that stay.
  static std::unordered_set<std::string> drop_duplicates(const RecentIds::Claim& claim, RequestParts& parts,
                                                         IntakeReceipt& receipt);
  /// Leaves out what is over the limits of events and of files.
  void drop_over_quota(const KeyFacts& key, RequestParts& parts, std::unordered_set<std::string>& ids,
                       IntakeReceipt& receipt);
  /// The project to count a refusal for whose key was not, or could not be, looked at; 0: nobody knows.
  [[nodiscard]] ProjectId project_of(const IntakeRequest& request) const;
  void count_receipt(ProjectId project, const IntakeReceipt& receipt, std::uint64_t items,
                     const std::map<std::string, std::uint64_t>& ignored_items);

  IngestStore& store_;
  Spool& spool_;
  KeyDirectory keys_;
  RefusalLog refusals_;
  RecentIds recent_ids_;
  NonceTable nonces_;
  HourQuotas quotas_;
  TokenBuckets address_buckets_;
  std::mutex ceiling_mutex_;
  TokenBucket ceiling_;  ///< guarded by ceiling_mutex_
  std::counting_semaphore<> large_bodies_;
  IntakeLimits limits_;
  const core::Clock& clock_;
  mutable std::mutex counts_mutex_;
  IntakeCounts counts_;  ///< guarded by counts_mutex_
};

}  // namespace trapline::collector
