#pragma once

/// The digest workers: take accepted events from the spool, normalise and fingerprint them, and store them with their
/// issues. All cores understand and compress events; one thread at a time stores them, a run in one transaction. An
/// event is released from the spool only after it is stored; storing is idempotent, so a kill between
/// the two repeats work and changes nothing.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "collector/digest/event_source.h"
#include "collector/digest/worker_pool.h"
#include "collector/storage/store.h"

namespace trapline::collector {

/// Thread-safe. Borrows source and store, which must outlive it.
class Digester {
 public:
  Digester(EventSource& source, EventStore& store);
  ~Digester();  ///< stop()
  Digester(const Digester&) = delete;
  Digester& operator=(const Digester&) = delete;

  /// Starts the worker thread.
  void start();

  /// Stops the source, lets the run in hand finish, and joins the thread. What is left in the spool stays there.
  void stop();

  /// Events stored since the start.
  [[nodiscard]] std::uint64_t digested() const { return digested_.load(std::memory_order_relaxed); }
  /// Events that were already stored.
  [[nodiscard]] std::uint64_t duplicates() const { return duplicates_.load(std::memory_order_relaxed); }

 private:
  void run();
  /// Digests and stores one run of events and releases it.
  core::Status digest_run(std::vector<SpooledEvent> events);
  /// Waits; true when stop() was called meanwhile.
  bool wait_for_stop(std::chrono::milliseconds pause);

  EventSource& source_;
  EventStore& store_;
  WorkerPool workers_;
  std::atomic<std::uint64_t> digested_{0};
  std::atomic<std::uint64_t> duplicates_{0};
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool is_stopping_ = false;  ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace trapline::collector
