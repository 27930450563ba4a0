#include "collector/ingest/spool.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>

#include "collector/storage/sqlite/connection.h"

// Why SQLite: its write-ahead log is append, checksum and torn-tail recovery already, and an index over the waiting
// event ids comes with it. Payloads are kept as sent: they live here for milliseconds, compressing them would cost more
// than writing them.

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;
using core::Status;
using sqlite::Connection;
using sqlite::Statement;
using sqlite::Transaction;

/// One commit takes at most this much, so that the first in line do not wait for a crowd behind them.
constexpr std::size_t kMostBytesPerCommit = std::size_t{16} << 20;
/// What wait_for_events() hands out at once, at most.
constexpr std::size_t kMostBytesPerRun = std::size_t{16} << 20;

// AUTOINCREMENT: a number is never given twice, also when the spool has been empty in between.
constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS spooled_event (
    sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id  INTEGER NOT NULL,
    event_id    TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    payload     BLOB NOT NULL,
    UNIQUE (project_id, event_id)
  ))";

constexpr std::string_view kInsert =
    "INSERT OR IGNORE INTO spooled_event (project_id, event_id, received_at, payload) VALUES (?, ?, ?, ?)";
constexpr std::string_view kOldest =
    "SELECT sequence, project_id, event_id, received_at, payload FROM spooled_event ORDER BY sequence LIMIT ?";

/// What happens inside throws; the spool's door answers with an Error.
template <class Work>
auto as_result(Work work) -> Result<decltype(work())> {
  try {
    if constexpr (std::is_void_v<decltype(work())>) {
      work();
      return {};
    } else {
      return work();
    }
  } catch (const std::exception& error) {
    return Error{"storage", std::string("the spool cannot be used: ") + error.what()};
  }
}

/// A caller that waits for its events to be on disk.
struct Request {
  std::vector<SpooledEvent> events;
  std::size_t bytes = 0;
  std::optional<Result<Spool::Appended>> outcome;  ///< set when the commit is done
};

class SqliteSpool final : public Spool {
 public:
  explicit SqliteSpool(const std::string& path) : writer_(path), reader_(path), releaser_(path) {
    writer_.execute(kSchema);
    // Losing a release to a power cut only means that stored events are digested again, which changes nothing: it need
    // not wait for the disk.
    releaser_.execute("PRAGMA synchronous = NORMAL");
    Statement count = writer_.prepare("SELECT count(*) FROM spooled_event");
    count.step();
    size_ = count.integer(0);
    thread_ = std::thread([this] { commit_loop(); });
    pthread_setname_np(thread_.native_handle(), "trapline-spool");
  }

  ~SqliteSpool() override {
    {
      const std::lock_guard lock(mutex_);
      is_closing_ = true;
      is_stopped_ = true;
    }
    work_arrived_.notify_all();
    events_arrived_.notify_all();
    thread_.join();
  }

  SqliteSpool(const SqliteSpool&) = delete;
  SqliteSpool& operator=(const SqliteSpool&) = delete;

  Result<Appended> append(std::vector<SpooledEvent> events) override {
    Request request;
    for (const SpooledEvent& event : events) request.bytes += event.payload.size();
    request.events = std::move(events);
    std::unique_lock lock(mutex_);
    waiting_.push_back(&request);
    work_arrived_.notify_one();
    committed_.wait(lock, [&] { return request.outcome.has_value(); });
    return std::move(*request.outcome);
  }

  Result<std::vector<SpooledEvent>> wait_for_events(std::size_t max_events) override {
    {
      std::unique_lock lock(mutex_);
      events_arrived_.wait(lock, [&] { return size_ > 0 || is_stopped_; });
      if (is_stopped_) return std::vector<SpooledEvent>{};
    }
    return as_result([&] { return read_oldest(max_events); });
  }

  Status release_through(std::int64_t sequence) override {
    return as_result([&] {
      std::int64_t released = 0;
      {
        const std::lock_guard lock(releaser_mutex_);
        releaser_.prepare("DELETE FROM spooled_event WHERE sequence <= ?").bind(sequence).run();
        released = releaser_.changes();
      }
      const std::lock_guard lock(mutex_);
      size_ -= released;
    });
  }

  void stop() override {
    {
      const std::lock_guard lock(mutex_);
      is_stopped_ = true;
    }
    events_arrived_.notify_all();
  }

  [[nodiscard]] std::int64_t size() const override {
    const std::lock_guard lock(mutex_);
    return size_;
  }

 private:
  /// The spool's thread: commits what has gathered since the last commit, wakes those who wait for it, and again.
  void commit_loop() {
    std::unique_lock lock(mutex_);
    while (true) {
      work_arrived_.wait(lock, [&] { return !waiting_.empty() || is_closing_; });
      if (waiting_.empty()) return;
      const std::vector<Request*> group = take_group();
      lock.unlock();
      std::vector<Appended> outcomes;
      const Status status = as_result([&] { outcomes = commit(group); });
      lock.lock();
      for (std::size_t index = 0; index < group.size(); ++index) {
        if (status.ok()) {
          group[index]->outcome.emplace(outcomes[index]);
          size_ += static_cast<std::int64_t>(outcomes[index].stored);
        } else {
          group[index]->outcome.emplace(status.error());
        }
      }
      committed_.notify_all();
      events_arrived_.notify_all();
    }
  }

  /// The requests first in line, as many as one commit takes. With mutex_ held.
  std::vector<Request*> take_group() {
    std::size_t bytes = 0;
    std::size_t count = 0;
    while (count < waiting_.size() && (count == 0 || bytes + waiting_[count]->bytes <= kMostBytesPerCommit)) {
      bytes += waiting_[count]->bytes;
      ++count;
    }
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Request*> group(waiting_.begin(), end);
    waiting_.erase(waiting_.begin(), end);
    return group;
  }

  std::vector<Appended> commit(const std::vector<Request*>& group) {
    std::vector<Appended> outcomes;
    outcomes.reserve(group.size());
    Transaction transaction(writer_);
    for (const Request* request : group) {
      Appended appended;
      for (const SpooledEvent& event : request->events) {
        Statement insert = writer_.prepare(kInsert);
        insert.bind(event.project_id, std::string_view(event.event_id), event.received_at);
        insert.bind_blob(event.payload);
        insert.run();
        ++(writer_.changes() > 0 ? appended.stored : appended.duplicates);
      }
      outcomes.push_back(appended);
    }
    transaction.commit();
    return outcomes;
  }

  std::vector<SpooledEvent> read_oldest(std::size_t max_events) {
    const std::lock_guard lock(reader_mutex_);
    Statement rows = reader_.prepare(kOldest);
    rows.bind(max_events);
    std::vector<SpooledEvent> events;
    std::size_t bytes = 0;
    while (bytes < kMostBytesPerRun && rows.step()) {
      SpooledEvent& event = events.emplace_back();
      event.sequence = rows.integer(0);
      event.project_id = rows.integer(1);
      event.event_id = rows.text(2);
      event.received_at = rows.integer(3);
      event.payload = rows.text(4);
      bytes += event.payload.size();
    }
    return events;
  }

  Connection writer_;  ///< only the spool's thread, after the constructor
  std::mutex reader_mutex_;
  Connection reader_;  ///< guarded by reader_mutex_
  std::mutex releaser_mutex_;
  Connection releaser_;  ///< guarded by releaser_mutex_

  mutable std::mutex mutex_;
  std::condition_variable work_arrived_;
  std::condition_variable committed_;
  std::condition_variable events_arrived_;
  std::vector<Request*> waiting_;  ///< guarded by mutex_, as all below
  std::int64_t size_ = 0;
  bool is_stopped_ = false;
  bool is_closing_ = false;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Spool>> Spool::open(const std::string& path) {
  return as_result([&] { return std::unique_ptr<Spool>(std::make_unique<SqliteSpool>(path)); });
}

}  // namespace trapline::collector
