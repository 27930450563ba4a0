#pragma once

/// The digest workers: take accepted events from the spool, normalise and fingerprint them, and store them with their
/// issues. All cores understand and compress a run of events while one thread stores the run before, in one
/// transaction. An event is released from the spool only after it is stored; storing is idempotent, so a kill between
/// the two repeats work and changes nothing.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "collector/digest/event_source.h"
#include "collector/digest/hand_over.h"
#include "collector/digest/settings_cache.h"
#include "collector/digest/storm_guard.h"
#include "collector/digest/worker_pool.h"
#include "collector/storage/store.h"
#include "sdk/core/clock.h"

namespace trapline::collector {

/// Thread-safe. Borrows source and store, which must outlive it.
class Digester {
 public:
  /// Told what was stored, and of ignored issues that show again; called by the digester's threads, which it must not
  /// hold up.
  using Listener = std::function<void(const AppendOutcome&)>;
  /// What the door lets projects send in an hour, where that is limited. Called from the thread that stores.
  struct HourlyLimits {
    std::function<std::int64_t(ProjectId)> events_per_hour;        ///< 0: no limit
    std::function<void(ProjectId, std::int64_t count)> give_back;  ///< that many were counted only, and use up nothing
  };

  Digester(EventSource& source, EventStore& store, const core::Clock& clock = core::system_clock(),
           Listener listener = {}, HourlyLimits limits = {});
  ~Digester();  ///< stop()
  Digester(const Digester&) = delete;
  Digester& operator=(const Digester&) = delete;

  /// Starts the threads: that which digests, that which stores, and one that shows ignored issues again when their time
  /// has come.
  void start();

  /// Stops the source, lets the runs in hand finish, unless storing them is held up, and joins the threads. What is
  /// left in the spool stays there.
  void stop();

  /// Events stored since the start.
  [[nodiscard]] std::uint64_t digested() const { return digested_.load(std::memory_order_relaxed); }
  /// Of them, events that were counted on their issue and not kept (storm_guard.h).
  [[nodiscard]] std::uint64_t counted_only() const { return counted_only_.load(std::memory_order_relaxed); }
  /// Events that could not be digested, or not stored, in three tries, and were set aside.
  [[nodiscard]] std::uint64_t quarantined() const { return quarantined_.load(std::memory_order_relaxed); }
  /// Events that were already stored; not those that came again because releasing them failed.
  [[nodiscard]] std::uint64_t duplicates() const { return duplicates_.load(std::memory_order_relaxed); }
  /// Events of projects that were deleted meanwhile.
  [[nodiscard]] std::uint64_t left_out() const { return left_out_.load(std::memory_order_relaxed); }

 private:
  struct Understood;
  struct Run;
  using SettingsByProject = std::map<ProjectId, std::shared_ptr<const DigestSettings>>;

  void understand_runs();
  void store_runs();
  void watch_clock();
  /// Does the work until it succeeds, with longer and longer pauses; false when stop() was called before it did.
  bool keep_trying(const std::function<core::Status()>& work);
  core::Status find_settings(const std::vector<SpooledEvent>& events, SettingsByProject& settings);
  void understand(Run& run, std::vector<SpooledEvent> events);
  /// Stores a run; doing it again changes nothing.
  core::Status store_run(const Run& run);
  core::Status store(std::span<const DigestedEvent> batch, const SettingsByProject& settings);
  core::Status append(std::span<const DigestedEvent> batch, const SettingsByProject& settings);
  [[nodiscard]] std::int64_t storm_limit(ProjectId project, const DigestSettings& settings) const;
  core::Status store_apart(std::span<const DigestedEvent> batch, const SettingsByProject& settings);
  core::Status set_aside(const SpooledEvent& event, const std::string& error, const SettingsByProject& settings);
  core::Status quarantine(const QuarantinedEvent& event);
  /// Waits; true when stop() was called meanwhile.
  bool wait_for_stop(std::chrono::milliseconds pause);

  EventSource& source_;
  EventStore& store_;
  const core::Clock& clock_;
  const Listener listener_;
  const HourlyLimits limits_;
  WorkerPool workers_;
  SettingsCache settings_;
  StormGuard storm_guard_;
  int failed_tries_ = 0;  ///< of storing the run in hand because of what is in it
  HandOver<std::unique_ptr<Run>> understood_runs_;
  std::atomic<std::uint64_t> digested_{0};
  std::atomic<std::uint64_t> duplicates_{0};
  std::atomic<std::uint64_t> counted_only_{0};
  std::atomic<std::uint64_t> left_out_{0};
  std::atomic<std::uint64_t> quarantined_{0};
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool is_stopping_ = false;  ///< guarded by mutex_
  std::thread thread_;
  std::thread storing_thread_;
  std::thread clock_thread_;
};

}  // namespace trapline::collector
