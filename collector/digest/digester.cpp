#include "collector/digest/digester.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include "collector/digest/event_reader.h"
#include "collector/digest/grouping/fingerprint.h"

namespace trapline::collector {
namespace {

/// Events per transaction. The more there are, the more of them share the update of an issue; the spool bounds their
/// bytes.
constexpr std::size_t kMostEventsPerRun = 2'000;
/// More than this many threads would wait for the one that stores.
constexpr unsigned kMostWorkers = 8;
constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{5'000};

/// An event that cannot be digested is kept and shown as what it is: it was acknowledged, so it must not vanish.
DigestedEvent undigestible(const SpooledEvent& event, std::string_view reason) {
  DigestedEvent record;
  record.project_id = event.project_id;
  record.event_id = event.event_id;
  record.received_at = event.received_at;
  record.timestamp = event.received_at;
  record.platform = "other";
  record.title = "An event that could not be digested";
  record.value = reason;
  record.fingerprint = "undigestible";
  const nlohmann::json payload = {
      {"event_id", event.event_id}, {"undigestible", std::string(reason)}, {"original", event.payload}};
  record.payload = payload.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return record;
}

DigestedEvent digest(SpooledEvent event) {
  try {
    ReadEvent read = read_event(event);
    read.record.fingerprint = fingerprint_of(read);
    return std::move(read.record);
  } catch (const std::exception& error) {
    spdlog::error("event {} of project {} cannot be digested, it is kept as it came: {}", event.event_id,
                  event.project_id, error.what());
    return undigestible(event, error.what());
  }
}

}  // namespace

Digester::Digester(EventSource& source, EventStore& store)
    : source_(source), store_(store), workers_(std::clamp(std::thread::hardware_concurrency(), 1U, kMostWorkers)) {}

Digester::~Digester() { stop(); }

void Digester::start() {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "trapline-digest");
}

void Digester::stop() {
  source_.stop();
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Digester::run() {
  std::chrono::milliseconds pause = kFirstPause;
  while (true) {
    auto events = source_.wait_for_events(kMostEventsPerRun);
    if (events && events->empty()) return;
    const core::Status status = events ? digest_run(std::move(*events)) : core::Status(events.error());
    if (status.ok()) {
      if (pause != kFirstPause) spdlog::info("digesting goes on");
      pause = kFirstPause;
      continue;
    }
    // The events are safe in the spool: wait for the disk, or whatever it is, to get well.
    if (pause == kFirstPause) spdlog::error("digesting is held up, accepted events wait: {}", status.error().message);
    if (wait_for_stop(pause)) return;
    pause = std::min(pause * 2, kLongestPause);
  }
}

core::Status Digester::digest_run(std::vector<SpooledEvent> events) {
  const std::int64_t last = events.back().sequence;
  std::vector<DigestedEvent> batch(events.size());
  workers_.for_each(events.size(), [&](std::size_t index) {
    batch[index] = digest(std::move(events[index]));
    // What cannot be packed here fails in append(), where it is told.
    static_cast<void>(store_.pack(batch[index]));
  });
  const auto outcome = store_.append(batch);
  if (!outcome) return outcome.error();
  digested_.fetch_add(outcome->stored, std::memory_order_relaxed);
  duplicates_.fetch_add(outcome->duplicates, std::memory_order_relaxed);
  return source_.release_through(last);
}

bool Digester::wait_for_stop(std::chrono::milliseconds pause) {
  std::unique_lock lock(mutex_);
  return stopping_.wait_for(lock, pause, [&] { return is_stopping_; });
}

}  // namespace trapline::collector
