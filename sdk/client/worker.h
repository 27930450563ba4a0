#pragma once

/// The worker thread: takes what was captured out of the recorder, makes events of it, puts them into the offline
/// buffer, from where the sender (sdk/delivery/sender.h) takes them. At its start, and now and then, it does the same
/// for processes that are gone. Sleeps when there is nothing to do.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sdk/client/capture.h"
#include "sdk/client/event_renderer.h"
#include "sdk/client/options.h"
#include "sdk/client/wake_up.h"
#include "sdk/core/dsn.h"
#include "sdk/delivery/event_buffer.h"
#include "sdk/delivery/sender.h"
#include "sdk/recorder/recorder.h"

namespace trapline::sdk {

struct Takeover;

struct WorkerOptions {
  const ClientOptions& client;  ///< outlives the worker
  core::Dsn dsn;
  std::string folder;  ///< of this DSN; empty: nothing is kept beyond the process
};

/// The name of its thread, on which before_send runs.
constexpr const char* kWorkerThread = "trapline-worker";

/// Thread-safe.
class Worker {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Report = std::function<void(const std::string&)>;

  /// The scrubber outlives the worker. The recorder is shared with the sender, which may outlive a shutdown.
  Worker(WorkerOptions options, const core::Scrubber& scrubber, std::shared_ptr<Recorder> recorder,
         RepeatTable& repeats, WakeUp& wake_up, Report report);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();

  /// Waits until everything captured so far was acknowledged by the server or dropped. Ends the windows of identical
  /// errors, so that their events leave, too.
  bool flush(Time deadline);

  /// Flushes until the deadline, then ends the threads. What is left stays in the buffer. True when nothing is.
  bool stop(Time deadline);
  /// After stop(), if that did not get stuck: what is left in the recorder is not the next start's business.
  void hand_over();
  /// After stop(): the thread has not ended and was given up, so this object must stay for ever.
  [[nodiscard]] bool is_stuck() const { return is_stuck_; }

  /// Around a fork: the child must find nothing of this half done.
  void lock_for_fork();
  void unlock_after_fork();

  /// Events of this process that have not come to an end yet.
  std::size_t queued();

 private:
  void run();
  void begin();
  std::size_t work_once(bool& is_last);
  void rest(int& idle_looks);
  std::size_t drain();
  std::size_t drain_some(std::uint64_t end);
  void release_drained();
  void put(std::vector<NewItem> items, std::uint64_t drained_to);
  void finish_repeats(bool all);
  void open_buffer();
  void recover_abandoned();
  bool recover(AbandonedRecorder& abandoned);
  bool recover_crash(AbandonedRecorder& abandoned);
  void take_records(const AbandonedRecorder& abandoned, Takeover& takeover);
  void take_end(const AbandonedRecorder& abandoned, Takeover& takeover);
  void settle(const AbandonedRecorder& abandoned, Takeover& takeover);
  void adopt_leftovers();
  void do_rounds();
  void report_losses();
  void send_client_report();
  void publish_modules();
  std::int64_t put_images(StackReader& stacks);
  void tell_sender(const std::vector<NewItem>& items);
  [[nodiscard]] std::chrono::milliseconds time_to_next_round() const;

  const WorkerOptions options_;
  const std::shared_ptr<Recorder> recorder_;
  RepeatTable& repeats_;
  WakeUp& wake_up_;
  const Report report_;

  // The worker's thread only.
  core::ProcessFacts facts_;
  StackReader stacks_;
  EventRenderer renderer_;
  std::uint64_t read_position_ = 0;  ///< in the recorder
  bool has_more_abandoned_ = false;
  bool is_deferred_ = false;             ///< what was read is not released yet
  std::vector<RepeatCount> unfinished_;  ///< counts whose events are not in the buffer yet
  std::uint64_t published_modules_ = 0;
  std::int64_t images_ = 0;
  std::uint64_t images_of_ = 0;  ///< the version of the modules that images_ is of
  std::vector<std::uint64_t> reported_;
  Time next_round_{};
  Time next_report_{};

  std::mutex mutex_;
  std::condition_variable drained_;
  std::shared_ptr<EventBuffer> buffer_;  ///< guarded by mutex_ until it is there; then it stays
  std::shared_ptr<Sender> sender_;
  std::uint64_t drains_wanted_ = 0;
  std::uint64_t drains_done_ = 0;
  std::uint64_t drain_target_ = 0;  ///< how far the recorder must have been read for the drains that are wanted
  bool is_stopping_ = false;
  bool has_ended_ = false;
  bool is_stuck_ = false;
  std::atomic<std::thread::id> thread_id_;
  std::thread thread_;
};

}  // namespace trapline::sdk
