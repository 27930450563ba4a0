#pragma once

/// Ties the SDK's rooms together: options, the recorder, the capture path, the worker.

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "sdk/client/capture.h"
#include "sdk/client/hang_watch.h"
#include "sdk/client/options.h"
#include "sdk/client/session.h"
#include "sdk/client/wake_up.h"
#include "sdk/client/worker.h"
#include "sdk/core/result.h"
#include "sdk/recorder/recorder.h"

namespace trapline::sdk {

/// Thread-safe.
class Client : public std::enable_shared_from_this<Client> {
 public:
  /// Errors: "invalid_dsn", "invalid_option", "invalid_pattern". A folder that cannot be written is none: then there is
  /// less that survives the process.
  static core::Result<std::shared_ptr<Client>> create(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  CaptureResult capture(const CaptureRequest& request);
  /// Answers false when it was dropped: by the hook, or as too large.
  bool add_breadcrumb(BreadcrumbView breadcrumb);
  Capturer& capturer() { return *capturer_; }

  /// Around a fork, in the forking thread.
  void lock_for_fork();
  void unlock_after_fork();
  /// In the child: what the parent's client had, for its own.
  void copy_state_from(Client& parent);

  void set_consent(bool is_given);
  /// False: nobody watches.
  bool beat();

  bool start_session();
  bool end_session(SessionEnd end);
  void count_request(SessionEnd end);
  /// An envelope on its way. False: the recorder is full.
  bool send_envelope(const std::string& envelope);
  /// A comment of a person's, scrubbed.
  [[nodiscard]] std::string scrub_text(const std::string& text) const { return scrubber_.scrub_text(text); }

  bool flush(std::chrono::milliseconds timeout);
  bool stop(std::chrono::milliseconds timeout);

  [[nodiscard]] const LedgerCounters& ledger() const { return recorder_->ledger(); }
  /// Events that have not come to an end yet.
  [[nodiscard]] std::uint64_t queued();

  [[nodiscard]] const ClientOptions& options() const { return options_; }

  /// For a client that a thread may still use at any time to come: it is never destroyed.
  static void keep_for_ever(std::shared_ptr<Client> client);

 private:
  Client(ClientOptions options, const core::Dsn& dsn, core::Scrubber scrubber, std::unique_ptr<Recorder> recorder,
         std::string folder, Worker::Report report);
  void install_crash_handlers(const std::string& folder);
  void report_hang(const Hang& hang);
  void start_crash_helper(const std::string& folder);
  void remove_crash_handlers();
  void send_requests(bool all);

  const ClientOptions options_;
  const core::Scrubber scrubber_;
  const std::shared_ptr<Recorder> recorder_;
  WakeUp wake_up_;
  std::unique_ptr<Capturer> capturer_;
  Sessions sessions_;
  const std::string folder_;  ///< empty: nothing is kept beyond the process
  const Worker::Report report_;
  std::unique_ptr<Worker> worker_;
  std::atomic<bool> has_consent_;
  std::unique_ptr<HangWatch> hang_watch_;  ///< nullptr: nobody watches
};

}  // namespace trapline::sdk
