#pragma once

/// Brings items that are no events from the spool to the store: what the digester is for events. An item is released
/// only after it is stored, and storing it again changes nothing. What is private is removed before.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>

#include "collector/digest/item_scrubber.h"
#include "collector/ingest/spool.h"
#include "collector/storage/store.h"

namespace trapline::collector {

/// Thread-safe. Borrows spool and store, which must outlive it.
class ItemWriter {
 public:
  /// An item that the database will never take, and why: it is let go.
  using OnRefused = std::function<void(const StoredItem& item, const std::string& reason)>;

  /// `on_trouble` is told, once each time, when storing begins to fail; with an empty text when it goes on.
  ItemWriter(Spool& spool, Store& store, const UserKey& user_key,
             std::function<void(const std::string&)> on_trouble = {}, OnRefused on_refused = {});
  ~ItemWriter();  ///< stop()
  ItemWriter(const ItemWriter&) = delete;
  ItemWriter& operator=(const ItemWriter&) = delete;

  void start();

  /// Stops the spool, lets the run in hand finish, and joins the thread.
  void stop();

  /// Items brought to an end since the start, those that were refused among them.
  [[nodiscard]] std::uint64_t written() const { return written_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  void run();
  /// Stores the items, however often it takes; false when stop() was called before it succeeded.
  bool store(std::vector<StoredItem>& items);
  bool append(std::span<const StoredItem> items);
  /// Does it again until it succeeds; false when stop() was called before.
  bool insist(const std::function<Status()>& work);

  Spool& spool_;
  ItemStore& store_;
  ItemScrubber scrubber_;
  std::function<void(const std::string&)> on_trouble_;
  OnRefused on_refused_;
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool is_stopping_ = false;  ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace trapline::collector
