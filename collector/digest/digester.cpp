#include "collector/digest/digester.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pthread.h>
#include <spdlog/spdlog.h>

#include "collector/digest/digest_event.h"

namespace trapline::collector {
namespace {

/// Events per transaction. The more there are, the more of them share the update of an issue; the spool bounds their
/// bytes.
constexpr std::size_t kMostEventsPerRun = 1'000;
/// More than this many threads would wait for the one that stores.
constexpr unsigned kMostWorkers = 8;
constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{5'000};

constexpr std::chrono::milliseconds kClockTick{1'000};
/// What fails so often is not the machine's fault but the event's.
constexpr int kMostTries = 3;
/// The store's word for an event, or a batch with one, that it cannot keep, whatever the state of the disk.
constexpr std::string_view kUnstorable = "unstorable";

}  // namespace

/// What became of one event.
struct Digester::Understood {
  DigestedEvent event;
  std::string error;  ///< empty: it was understood
};

/// Events that were taken from the spool together and are stored together.
struct Digester::Run {
  struct Failure {
    SpooledEvent event;
    std::string error;
    std::size_t place = 0;  ///< how many of `events` stand before it
  };
  SettingsByProject settings;
  std::vector<DigestedEvent> events;    ///< in the order of the spool, but for the failures
  std::vector<Failure> failures;        ///< likewise
  std::vector<std::int64_t> sequences;  ///< of both
};

Digester::Digester(EventSource& source, EventStore& store, const core::Clock& clock, Listener listener,
                   HourlyLimits limits)
    : source_(source),
      store_(store),
      clock_(clock),
      listener_(std::move(listener)),
      limits_(std::move(limits)),
      workers_(std::clamp(std::thread::hardware_concurrency(), 1U, kMostWorkers)),
      settings_(store) {}

Digester::~Digester() { stop(); }

void Digester::start() {
  thread_ = std::thread([this] { understand_runs(); });
  pthread_setname_np(thread_.native_handle(), "trapline-digest");
  storing_thread_ = std::thread([this] { store_runs(); });
  pthread_setname_np(storing_thread_.native_handle(), "trapline-store");
  clock_thread_ = std::thread([this] { watch_clock(); });
  pthread_setname_np(clock_thread_.native_handle(), "trapline-clock");
}

void Digester::stop() {
  source_.stop();
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  stopping_.notify_all();
  for (std::thread* thread : {&thread_, &storing_thread_, &clock_thread_}) {
    if (thread->joinable()) thread->join();
  }
}

void Digester::understand_runs() {
  while (true) {
    std::vector<SpooledEvent> events;
    auto run = std::make_unique<Run>();
    const bool is_ready = keep_trying([&]() -> core::Status {
      if (events.empty()) {
        auto claimed = source_.claim_events(kMostEventsPerRun);
        if (!claimed) return claimed.error();
        events = std::move(*claimed);
      }
      return find_settings(events, run->settings);
    });
    if (!is_ready || events.empty()) break;
    understand(*run, std::move(events));
    if (!understood_runs_.give(std::move(run))) break;
  }
  understood_runs_.close();
}

void Digester::store_runs() {
  while (auto run = understood_runs_.take()) {
    if (!keep_trying([&] { return store_run(**run); })) break;
    // Once only: each part is released once. What the spool could not write down of it repeats the work after a
    // restart, and nothing else.
    if (const core::Status status = source_.release((*run)->sequences); !status) {
      spdlog::error("events are stored, and the spool cannot forget them: {}", status.error().message);
    }
  }
  understood_runs_.close();
}

bool Digester::keep_trying(const std::function<core::Status()>& work) {
  std::chrono::milliseconds pause = kFirstPause;
  while (true) {
    const core::Status status = work();
    if (status) {
      if (pause != kFirstPause) spdlog::info("digesting goes on");
      return true;
    }
    // The events are safe in the spool: wait for the disk, or whatever it is, to get well.
    if (pause == kFirstPause) spdlog::error("digesting is held up, accepted events wait: {}", status.error().message);
    if (wait_for_stop(pause)) return false;
    pause = std::min(pause * 2, kLongestPause);
  }
}

core::Status Digester::find_settings(const std::vector<SpooledEvent>& events, SettingsByProject& settings) {
  for (const SpooledEvent& event : events) {
    auto& own = settings[event.project_id];
    if (own) continue;
    auto found = settings_.find(event.project_id);
    if (!found) return found.error();
    own = std::move(*found);
  }
  return {};
}

/// Digests on all cores.
void Digester::understand(Run& run, std::vector<SpooledEvent> events) {
  std::vector<Understood> understood(events.size());
  workers_.for_each(events.size(), [&](std::size_t index) {
    for (int tries = 0; tries < kMostTries; ++tries) {
      try {
        understood[index].event = digest_event(events[index], *run.settings.at(events[index].project_id));
        // What cannot be packed here fails in append(), where it is told.
        static_cast<void>(store_.pack(understood[index].event));
        understood[index].error.clear();
        events[index].payload = std::string();  // a run's payloads twice would be most of the memory
        return;
      } catch (const std::exception& error) {
        understood[index].error = error.what();
        if (understood[index].error.empty()) understood[index].error = "unknown";
      }
    }
  });
  run.events.reserve(events.size());
  run.sequences.reserve(events.size());
  for (std::size_t index = 0; index < events.size(); ++index) {
    Understood& own = understood[index];
    run.sequences.push_back(events[index].sequence);
    if (own.error.empty()) {
      run.events.push_back(std::move(own.event));
    } else {
      run.failures.push_back({std::move(events[index]), std::move(own.error), run.events.size()});
    }
  }
}

core::Status Digester::store_run(const Run& run) {
  // In the order of the spool, so that how far it has been digested says of each event whether it was booked.
  const std::span<const DigestedEvent> events = run.events;
  std::size_t stored = 0;
  for (const Run::Failure& failure : run.failures) {
    if (core::Status status = store(events.subspan(stored, failure.place - stored), run.settings); !status) {
      return status;
    }
    stored = failure.place;
    if (core::Status status = set_aside(failure.event, failure.error, run.settings); !status) return status;
  }
  if (core::Status status = store(events.subspan(stored), run.settings); !status) return status;
  failed_tries_ = 0;
  return {};
}

core::Status Digester::store(std::span<const DigestedEvent> batch, const SettingsByProject& settings) {
  if (batch.empty()) return {};
  core::Status status = append(batch, settings);
  // A batch with an event that can never be stored fails each time: after three, the events are stored one from
  // another.
  if (status || status.error().code != kUnstorable || ++failed_tries_ < kMostTries) return status;
  return store_apart(batch, settings);
}

/// Near which number of events an hour the project's loud issues are counted only; 0: never.
std::int64_t Digester::storm_limit(ProjectId project, const DigestSettings& settings) const {
  if (settings.storm_events_per_hour) return *settings.storm_events_per_hour;
  return limits_.events_per_hour ? limits_.events_per_hour(project) : 0;
}

/// Stores the batch, and counts what became of it.
core::Status Digester::append(std::span<const DigestedEvent> batch, const SettingsByProject& settings) {
  std::map<ProjectId, std::int64_t> limits;
  std::map<ProjectId, std::int64_t> counted_only;
  for (const auto& [project, own] : settings) {
    if (const std::int64_t limit = storm_limit(project, *own); limit > 0) limits[project] = limit;
  }
  KeepRule keeps;
  if (!limits.empty()) {
    keeps = [&](const DigestedEvent& event) {
      const auto limit = limits.find(event.project_id);
      const bool is_kept = limit == limits.end() ||
                           storm_guard_.keeps(event.project_id, event.fingerprint, event.received_at, limit->second);
      if (!is_kept) ++counted_only[event.project_id];
      return is_kept;
    };
  }
  const auto outcome = store_.append(batch, keeps);
  if (!outcome) {
    storm_guard_.roll_back();
    return outcome.error();
  }
  storm_guard_.commit();
  for (const auto& [project, count] : counted_only) {
    if (limits_.give_back) limits_.give_back(project, count);
  }
  digested_.fetch_add(outcome->stored + outcome->counted_only, std::memory_order_relaxed);
  counted_only_.fetch_add(outcome->counted_only, std::memory_order_relaxed);
  duplicates_.fetch_add(outcome->duplicates, std::memory_order_relaxed);
  left_out_.fetch_add(outcome->left_out, std::memory_order_relaxed);
  if (listener_) listener_(*outcome);
  return {};
}

/// Stores halves of the batch, and halves of those that fail, until what fails is single events: those are set aside.
core::Status Digester::store_apart(std::span<const DigestedEvent> batch, const SettingsByProject& settings) {
  if (batch.size() > 1) {
    const std::size_t half = batch.size() / 2;
    for (const auto part : {batch.first(half), batch.subspan(half)}) {
      core::Status status = append(part, settings);
      if (!status && status.error().code == kUnstorable) status = store_apart(part, settings);
      if (!status) return status;
    }
    return {};
  }
  const DigestedEvent& event = batch.front();
  core::Status status = append(batch, settings);
  if (status || status.error().code != kUnstorable) return status;
  return quarantine({event.sequence, event.project_id, event.event_id, event.received_at, kMostTries,
                     status.error().message, event.payload});
}

/// Keeps an event that was not understood as it came, but for what is private, as far as that can be told.
core::Status Digester::set_aside(const SpooledEvent& event, const std::string& error,
                                 const SettingsByProject& settings) {
  QuarantinedEvent aside = {event.sequence, event.project_id, event.event_id, event.received_at, kMostTries,
                            error,          event.payload};
  if (const auto& scrubber = settings.at(event.project_id)->scrubber) {
    aside.error = scrubber->scrub_text(error);
    auto scrubbed = scrubber->scrub_event(event.payload);
    aside.payload = scrubbed ? std::move(*scrubbed) : scrubber->scrub_text(event.payload);
  }
  return quarantine(aside);
}

core::Status Digester::quarantine(const QuarantinedEvent& event) {
  spdlog::error("event {} of project {} cannot be digested and is set aside: {}", event.event_id, event.project_id,
                event.error);
  core::Status status = store_.quarantine(event);
  if (status) quarantined_.fetch_add(1, std::memory_order_relaxed);
  return status;
}

void Digester::watch_clock() {
  bool has_failed = false;
  while (!wait_for_stop(kClockTick)) {
    const auto changes = store_.end_due_ignores(clock_.unix_millis());
    if (!changes && !has_failed) spdlog::error("ignored issues cannot be looked at: {}", changes.error().message);
    has_failed = !changes.ok();
    if (!changes || changes->empty() || !listener_) continue;
    AppendOutcome outcome;
    outcome.changes = *changes;
    listener_(outcome);
  }
}

bool Digester::wait_for_stop(std::chrono::milliseconds pause) {
  std::unique_lock lock(mutex_);
  return stopping_.wait_for(lock, pause, [&] { return is_stopping_; });
}

}  // namespace trapline::collector
