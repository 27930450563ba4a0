/// The collector's spool against SQLite doing the same: requests with one event of 1.8 KB (as sent, compressed) from 1,
/// 8 and 32 threads at once, each answered when it is on disk, read and released by another thread. Argument: the
/// folder to write to, as its file system is what is measured.

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include "collector/ingest/spool.h"
#include "collector/storage/sqlite/connection.h"
#include "sdk/core/event_id.h"
#include "sdk/core/random.h"
#include "tests/bench/report.h"

namespace {

using namespace trapline;
using collector::SpooledRequest;
using collector::sqlite::Connection;
using collector::sqlite::Statement;
using collector::sqlite::Transaction;

constexpr int kEvents = 20'000;
constexpr std::size_t kBodyBytes = 1'800;
constexpr std::size_t kPayloadBytes = 10'000;

double cpu_micros() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto micros = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

/// Lets `threads` threads append all events, and reports what one costs.
template <class Append>
void measure(const std::string& name, int threads, Append append_one) {
  const double cpu = cpu_micros();
  const std::int64_t start = bench::nanos();
  std::atomic<int> left{kEvents};
  std::vector<std::thread> workers;
  std::vector<std::vector<std::int64_t>> waits(static_cast<std::size_t>(threads));
  for (int worker = 0; worker < threads; ++worker) {
    workers.emplace_back([&, worker] {
      while (left.fetch_sub(1) > 0) {
        const std::int64_t before = bench::nanos();
        append_one();
        waits[static_cast<std::size_t>(worker)].push_back(bench::nanos() - before);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  std::vector<std::int64_t> all;
  for (const auto& some : waits) all.insert(all.end(), some.begin(), some.end());
  const std::string suffix = ", " + std::to_string(threads) + " threads";
  bench::report(name + " CPU per event" + suffix, (cpu_micros() - cpu) / kEvents, "us", 100);
  bench::report(name + " wall per event" + suffix, static_cast<double>(bench::nanos() - start) / 1000.0 / kEvents, "us",
                1000);
  bench::report(name + " wait p99" + suffix, bench::percentile(all, 0.99), "us", 50'000);
}

/// What the spool was before: rows in a table, committed in groups by a thread.
class SqliteSpool {
 public:
  explicit SqliteSpool(const std::string& path) : writer_(path), reader_(path) {
    writer_.execute(
        "CREATE TABLE spooled (sequence INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL, "
        "event_id TEXT NOT NULL, received_at INTEGER NOT NULL, payload BLOB NOT NULL, UNIQUE (project_id, event_id))");
    reader_.execute("PRAGMA synchronous = NORMAL");
    committer_ = std::thread([this] { commit_loop(); });
    releaser_ = std::thread([this] { release_loop(); });
  }
  ~SqliteSpool() {
    {
      const std::lock_guard lock(mutex_);
      is_closing_ = true;
    }
    changed_.notify_all();
    committer_.join();
    releaser_.join();
  }
  SqliteSpool(const SqliteSpool&) = delete;
  SqliteSpool& operator=(const SqliteSpool&) = delete;

  void append(const std::string& id, const std::string& body) {
    Request request{id, body, false};
    std::unique_lock lock(mutex_);
    waiting_.push_back(&request);
    changed_.notify_all();
    committed_.wait(lock, [&] { return request.is_done; });
  }

 private:
  struct Request {
    const std::string& id;
    const std::string& body;
    bool is_done;
  };

  void commit_loop() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return !waiting_.empty() || is_closing_; });
      if (waiting_.empty()) return;
      const std::vector<Request*> group = std::move(waiting_);
      waiting_.clear();
      lock.unlock();
      {
        Transaction transaction(writer_);
        for (const Request* const request : group) {
          Statement insert = writer_.prepare(
              "INSERT OR IGNORE INTO spooled (project_id, event_id, received_at, payload) VALUES (?, ?, ?, ?)");
          insert.bind(1, std::string_view(request->id), 7);
          insert.bind_blob(request->body);
          insert.run();
        }
        transaction.commit();
      }
      lock.lock();
      for (Request* const request : group) request->is_done = true;
      stored_ += group.size();
      committed_.notify_all();
      changed_.notify_all();
    }
  }

  void release_loop() {
    std::unique_lock lock(mutex_);
    std::size_t released = 0;
    while (true) {
      changed_.wait(lock, [&] { return stored_ >= released + 200 || is_closing_; });
      if (is_closing_) return;
      lock.unlock();
      std::int64_t last = 0;
      {
        Statement rows = reader_.prepare("SELECT sequence, payload FROM spooled ORDER BY sequence LIMIT 200");
        while (rows.step()) last = rows.integer(0);
      }
      reader_.prepare("DELETE FROM spooled WHERE sequence <= ?").bind(last).run();
      lock.lock();
      released += 200;
    }
  }

  Connection writer_;
  Connection reader_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable committed_;
  std::vector<Request*> waiting_;
  std::size_t stored_ = 0;
  bool is_closing_ = false;
  std::thread committer_;
  std::thread releaser_;
};

void measure_segments(const std::string& folder, int threads, const std::string& body, const std::string& payload) {
  const auto spool = collector::Spool::open(folder + "/segments").value();
  std::thread reader([&] {
    while (true) {
      const auto events = spool->claim_events(200);
      if (!events || events->empty()) return;
      std::vector<std::int64_t> sequences;
      for (const auto& event : *events) sequences.push_back(event.sequence);
      if (!spool->release(sequences)) std::abort();
    }
  });
  measure("segments:", threads, [&] {
    SpooledRequest request;
    request.project_id = 1;
    collector::RequestPart part;
    part.event_id = core::new_event_id();
    part.payload = payload;
    request.parts.push_back(std::move(part));
    if (!spool->append(std::move(request), body)) std::abort();
  });
  spool->stop();
  reader.join();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = std::string(argc > 1 ? argv[1] : ".") + "/bench-spool-" + core::random_hex(4);
  std::string body(kBodyBytes, '\0');
  core::fill_random(std::as_writable_bytes(std::span(body)));
  const std::string payload(kPayloadBytes, 'x');
  for (const int threads : {1, 8, 32}) {
    std::filesystem::create_directories(folder);
    measure_segments(folder, threads, body, payload);
    {
      SqliteSpool sqlite(folder + "/spool.db");
      measure("sqlite:", threads, [&] { sqlite.append(core::new_event_id(), body); });
    }
    std::filesystem::remove_all(folder);
  }
}
