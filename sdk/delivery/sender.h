#pragma once

/// Brings what is in the buffer to the server, on a thread of its own: batches, compresses, signs, posts, tries again.
/// What a server acknowledged leaves the buffer; all else stays.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sdk/core/dsn.h"
#include "sdk/delivery/event_buffer.h"
#include "sdk/delivery/retry_policy.h"
#include "sdk/delivery/run_ledger.h"
#include "sdk/delivery/transport.h"

namespace trapline::sdk {

struct SenderOptions {
  core::Dsn dsn;
  bool speaks_sentry = false;  ///< envelopes, one event each
  std::string run_id;          ///< of this process, as the buffer and the ledger know it
  std::string release;
  std::size_t max_batch_events = 100;
  std::size_t max_batch_bytes = std::size_t{512} << 10;  ///< JSON in one request, unless one event alone is larger
  std::chrono::milliseconds max_batch_age{1'000};        ///< from the first event of a batch to its request
};

/// Thread-safe.
class Sender {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// A sentence about what goes wrong, for the debug mode. On the sender's thread.
  using Report = std::function<void(const std::string&)>;

  /// With each batch go the counters of the run whose events it has: of this process's, `ledger`. Everything is shared,
  /// as a thread that hangs in the system's resolver outlives a shutdown whose time is up.
  static std::shared_ptr<Sender> start(SenderOptions options, std::unique_ptr<Transport> transport,
                                       std::shared_ptr<EventBuffer> buffer, const LedgerCounters& ledger,
                                       std::shared_ptr<void> ledger_owner, Report report);
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  /// Events came into the buffer.
  void notify(std::size_t events, std::size_t bytes);

  /// Sees to it that the server learns what this process has counted, also when no batch brings it there. To a
  /// Sentry-compatible one nothing is sent: those take client reports.
  void tell_ledger();
  /// What the server knows of that.
  Told told();

  /// Waits until everything that is in the buffer now has left it, one way or the other. Does not wait for a batch to
  /// fill up, nor for the end of a backoff; what a server has asked for is kept. False when the time was up first.
  /// Counters of runs that are gone are worth 300 ms more: a program that runs for a moment only tells them, too.
  bool flush(Time deadline);

  /// Ends the thread: at once when it is idle, else when its request is aborted.
  void stop();

 private:
  Sender(SenderOptions options, std::unique_ptr<Transport> transport, std::shared_ptr<EventBuffer> buffer,
         const LedgerCounters& ledger, std::shared_ptr<void> ledger_owner, Report report);

  void run();
  bool wait_for_batch(std::unique_lock<std::mutex>& lock);
  bool connect();
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  void wait_for_retry(std::unique_lock<std::mutex>& lock);
  /// What one request came to.
  enum class Outcome : std::uint8_t { kSent, kPartlyRefused, kNothingLeft, kTooFew, kBlocked, kFailed };
  struct Round {
    Outcome outcome = Outcome::kNothingLeft;
    std::size_t events = 0;
    bool is_full = false;  ///< there may be more
  };
  Round send_events(bool is_due);
  Round send_envelope();
  Round send_ledger();
  RunLedger ledger_of(const std::string& run_id);
  std::optional<RunLedger> next_ledger();
  bool note_told(const RunLedger& ledger, std::size_t events);
  Outcome settle(const HttpAnswer& answer, std::vector<BufferedItem>& items);
  Outcome retry_removal();
  Outcome wait_for_limit(const HttpAnswer& answer, ItemKind kind);
  /// What an answer says of a batch's items.
  struct Split {
    std::vector<BufferedItem> delivered;  ///< not named
    std::vector<BufferedItem> rejected;   ///< for good
    std::vector<BufferedItem> limited;    ///< for now: they stay
  };
  [[nodiscard]] Split split_by_answer(const HttpAnswer& answer, const std::vector<BufferedItem>& items) const;
  HttpAnswer post(const std::string& path, const char* content_type, const std::string& body);
  void plan_retry(const HttpAnswer& answer);
  [[nodiscard]] Time blocked_until(ItemKind kind) const;

  const SenderOptions options_;
  const std::unique_ptr<Transport> transport_;  ///< the sender's thread only, as all down to random_
  const std::shared_ptr<EventBuffer> buffer_;
  const LedgerCounters& ledger_;
  const std::shared_ptr<void> ledger_owner_;
  const Report report_;
  std::int64_t images_id_ = 0;
  std::string images_;
  std::size_t batch_limit_;  ///< lower while something that the server refuses is looked for
  int failures_ = 0;
  RateLimits limits_;
  Time retry_at_{};
  bool retry_was_asked_ = false;  ///< by the server: then no flush cuts it

  std::mutex mutex_;
  std::condition_variable changed_;  ///< events came, a flush began, or the end did
  std::condition_variable sent_;     ///< something left the buffer
  std::size_t unsent_events_ = 0;    ///< guarded by mutex_, as all below: about what is in the buffer
  std::size_t unsent_bytes_ = 0;
  Time first_unsent_{};
  Time unblocked_at_ = Time::max();  ///< when a server's limit ends that holds something up
  int flushes_ = 0;                  ///< under way
  bool is_ledger_due_ = false;
  Told told_;
  std::atomic<bool> is_stopping_{false};
  bool has_ended_ = false;
  std::thread thread_;
};

}  // namespace trapline::sdk
