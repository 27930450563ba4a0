#include "sdk/client/worker.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <utility>

#include "sdk/client/host_facts.h"
#include "sdk/client/life_signs.h"
#include "sdk/client/module_json.h"
#include "sdk/client/quiet_thread.h"
#include "sdk/client/record_item.h"
#include "sdk/core/clock.h"
#include "sdk/core/event_json.h"
#include "sdk/core/json_writer.h"
#include "sdk/core/timestamp.h"
#include "sdk/delivery/batch.h"
#include "sdk/delivery/fallback_buffer.h"
#include "sdk/delivery/memory_buffer.h"
#include "sdk/delivery/sqlite_buffer.h"
#include "sdk/delivery/transport.h"

namespace trapline::sdk {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kLinger{10};         ///< between looks into the ring while events come
constexpr int kLingers = 20;                ///< looks that find nothing before it sleeps
constexpr milliseconds kDrainGrace{3'000};  ///< for the last transactions
constexpr milliseconds kAfterFailure{1'000};
constexpr milliseconds kRound{60'000};    ///< between looks for processes that are gone
constexpr std::size_t kMostAtOnce = 100;  ///< events in one transaction
constexpr std::size_t kMostBytesAtOnce = std::size_t{256} << 10;
constexpr std::size_t kMemoryBufferBytes = std::size_t{8} << 20;

milliseconds until(Steady::time_point time) {
  return std::max(milliseconds{0}, std::chrono::duration_cast<milliseconds>(time - Steady::now()));
}

}  // namespace

Worker::Worker(WorkerOptions options, const core::Scrubber& scrubber, std::shared_ptr<Recorder> recorder,
               RepeatTable& repeats, WakeUp& wake_up, Report report)
    : options_(std::move(options)),
      recorder_(std::move(recorder)),
      repeats_(repeats),
      wake_up_(wake_up),
      report_(std::move(report)),
      stacks_(options_.client.reading),
      renderer_(scrubber, options_.client.hooks),
      reported_(kFates) {}

Worker::~Worker() { stop(Steady::now()); }

void Worker::start() {
  const ClientOptions& client = options_.client;
  facts_.release = client.release;
  facts_.environment = client.environment;
  facts_.dist = client.dist;
  if (!client.uses_host_name) facts_.server_name = client.server_name;
  // The rest is looked up later; a crash before that has these at least.
  recorder_->publish_facts(to_json(facts_));
  thread_ = start_quiet_thread(kWorkerThread, [this] { run(); });
}

bool Worker::flush(Time deadline) {
  if (std::this_thread::get_id() == thread_id_.load()) return false;  // from a hook: it would wait for itself
  std::shared_ptr<Sender> sender;
  {
    std::unique_lock lock(mutex_);
    const std::uint64_t wanted = ++drains_wanted_;
    drain_target_ = std::max(drain_target_, recorder_->events().head());
    wake_up_.signal_urgent();
    const bool is_drained = drained_.wait_until(lock, deadline, [&] { return drains_done_ >= wanted || has_ended_; });
    if (!is_drained) return false;
    sender = sender_;
  }
  return !sender || sender->flush(deadline);
}

bool Worker::stop(Time deadline) {
  if (!thread_.joinable()) return true;
  const bool is_done = flush(deadline);
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_up_.signal_urgent();
  {
    std::unique_lock lock(mutex_);
    is_stuck_ = !drained_.wait_until(lock, std::max(deadline, Steady::now() + kDrainGrace), [&] { return has_ended_; });
  }
  if (is_stuck_) {
    // A disk that hangs, or in the child of a fork a lock that a thread of the parent's held: the app must not hang,
    // too.
    report_("the worker thread does not end and is given up; what it had is in the recorder");
    thread_.detach();
    return false;
  }
  thread_.join();
  if (sender_) sender_->stop();
  if (buffer_) buffer_->lose_volatile();
  return is_done;
}

std::size_t Worker::queued() {
  std::shared_ptr<EventBuffer> buffer;
  {
    const std::lock_guard lock(mutex_);
    buffer = buffer_;
  }
  return buffer ? buffer->own_events() : 0;
}

void Worker::run() {
  thread_id_ = std::this_thread::get_id();
  // Whoever starts the SDK has the processor first: on a machine with few, beginning at once cost init() a millisecond.
  wake_up_.nap(kLinger);
  int idle_looks = 0;
  bool has_begun = false;
  while (true) {
    bool is_last = false;
    try {
      if (!std::exchange(has_begun, true)) begin();
      const std::size_t drained = work_once(is_last);
      idle_looks = drained > 0 ? 0 : idle_looks + 1;
    } catch (const std::exception& error) {
      // No memory, no more threads, a folder that cannot be read: the app must not end by it. What was captured is safe
      // in the recorder.
      report_(std::string("the worker thread failed and goes on: ") + error.what());
      wake_up_.nap(kAfterFailure);
    }
    if (is_last) break;
    rest(idle_looks);
  }
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  drained_.notify_all();
}

/// Does what there is to do; answers how many records were moved.
std::size_t Worker::work_once(bool& is_last) {
  std::uint64_t wanted = 0;
  std::uint64_t target = 0;
  {
    const std::lock_guard lock(mutex_);
    wanted = drains_wanted_;
    target = drain_target_;
    is_last = is_stopping_;
  }
  const std::size_t drained = drain();
  // A record that is still being written holds up what comes after it, and so a flush.
  const bool is_flushed = wanted > drains_done_ && read_position_ >= target;
  finish_repeats(is_flushed || is_last);
  if (is_flushed) {
    const std::lock_guard lock(mutex_);
    drains_done_ = wanted;
  }
  drained_.notify_all();
  if (!is_last) do_rounds();
  return drained;
}

/// Naps while there may be more to come, sleeps when there was nothing for a while.
void Worker::rest(int& idle_looks) {
  if (idle_looks < kLingers) {
    wake_up_.nap(kLinger);
    return;
  }
  stacks_.rest();
  wake_up_.prepare_to_sleep();
  bool has_work = recorder_->events().head() != read_position_ || is_deferred_;
  {
    const std::lock_guard lock(mutex_);
    has_work = has_work || is_stopping_ || drains_wanted_ > drains_done_;
  }
  if (has_work) {
    wake_up_.stay_awake();
    wake_up_.nap(kLinger);
  } else {
    wake_up_.sleep(time_to_next_round());
    idle_looks = 0;
  }
}

/// What init() leaves to this thread.
void Worker::begin() {
  core::ProcessFacts host = read_host_facts();
  if (options_.client.uses_host_name) facts_.server_name = std::move(host.server_name);
  facts_.contexts = std::move(host.contexts);
  recorder_->publish_facts(to_json(facts_));
  publish_modules();
  begin_life_signs(recorder_->life());
  next_report_ = Steady::now() + kRound;
  std::error_code error;
  const bool has_leftovers = !options_.folder.empty() && std::filesystem::exists(options_.folder + "/events.db", error);
  if (has_leftovers) open_buffer();
  // What others left comes first: a program that runs for a moment only still takes it along. What is captured
  // meanwhile is not kept waiting for all of it.
  do {
    do_rounds();
    drain();
  } while (has_more_abandoned_);
}

/// Moves what is in the recorder now.
std::size_t Worker::drain() {
  release_drained();
  const std::uint64_t end = recorder_->events().head();
  std::size_t total = 0;
  while (const std::size_t some = drain_some(end)) total += some;
  return total;
}

/// Moves records from the recorder to the buffer, as many as make a good transaction.
std::size_t Worker::drain_some(std::uint64_t end) {
  EventRing& ring = recorder_->events();
  std::vector<NewItem> items;
  std::size_t bytes = 0;
  std::size_t records = 0;
  std::uint64_t position = read_position_;
  while (position < end && records < kMostAtOnce && bytes < kMostBytesAtOnce) {
    const auto record = ring.peek(position);
    if (!record) break;
    ++records;
    position = record->next_position;
    if (record->kind == RecordKind::kItem) {
      if (auto item = read_item(record->payload)) items.push_back(std::move(*item));
      continue;
    }
    EventRenderer::Rendered rendered = renderer_.render(record->payload, facts_, stacks_);
    for (const std::string& problem : rendered.problems) report_(problem);
    if (rendered.fate) recorder_->ledger().count(*rendered.fate);
    for (NewItem& item : rendered.items) {
      bytes += item.body.size();
      items.push_back(std::move(item));
    }
  }
  if (records == 0) return 0;
  publish_modules();
  put(std::move(items), position);
  read_position_ = position;
  release_drained();
  return records;
}

/// Gives the room of what was read back, unless that is in memory only: then the recorder keeps it, as it outlives the
/// process, until it was sent.
void Worker::release_drained() {
  EventRing& ring = recorder_->events();
  is_deferred_ = is_deferred_ && !options_.folder.empty() && buffer_->holds_volatile();
  if (is_deferred_) return;
  ring.release(std::max(ring.tail(), read_position_));
  ring.rewind_if_empty();
  read_position_ = std::max(read_position_, ring.tail());
}

void Worker::put(std::vector<NewItem> items, std::uint64_t drained_to) {
  if (items.empty()) return;
  open_buffer();
  if (images_of_ != stacks_.modules_version()) {
    images_of_ = stacks_.modules_version();
    images_ = put_images(stacks_);
  }
  for (NewItem& item : items) item.images = item.kind == ItemKind::kEvent ? images_ : 0;
  const Kept kept = buffer_->add(recorder_->run_id(), drained_to, items);
  is_deferred_ = is_deferred_ || kept == Kept::kVolatile;
  tell_sender(items);
}

/// The modules of a process's stacks, without users' names in their paths; 0: none are known.
std::int64_t Worker::put_images(StackReader& stacks) {
  const auto& modules = stacks.modules();
  return modules.empty() ? 0 : buffer_->put_images(core::Scrubber::scrub_paths(core::debug_meta_json(modules)));
}

void Worker::tell_sender(const std::vector<NewItem>& items) {
  std::size_t bytes = 0;
  std::size_t events = 0;
  for (const NewItem& item : items) {
    if (item.is_held) continue;
    bytes += item.body.size();
    ++events;
  }
  if (events > 0) sender_->notify(events, bytes);
}

void Worker::finish_repeats(bool all) {
  for (const FinishedRepeat& repeat : repeats_.finish(core::system_clock().unix_millis(), all)) {
    unfinished_.push_back({to_text(repeat.held_id), repeat.count, repeat.last});
  }
  if (unfinished_.empty() || !buffer_) return;
  const std::size_t before = unfinished_.size();
  // Those whose event is still being written are tried again; those whose event was dropped since would wait for ever.
  unfinished_ = buffer_->finish_repeats(unfinished_);
  if (unfinished_.size() < before) sender_->notify(before - unfinished_.size(), 0);
  constexpr std::size_t kMostUnfinished = 1'000;
  if (unfinished_.size() > kMostUnfinished) unfinished_.erase(unfinished_.begin());
}

void Worker::open_buffer() {
  if (buffer_) return;
  // A fork waits for it: the child must find the file either not yet open or known to the handler that closes it.
  const std::lock_guard lock(mutex_);
  const ClientOptions& client = options_.client;
  std::unique_ptr<EventBuffer> file;
  if (!options_.folder.empty()) {
    file = open_sqlite_buffer(options_.folder + "/events.db", recorder_->run_id(), client.buffer, recorder_->ledger(),
                              report_);
  }
  auto memory = make_memory_buffer(kMemoryBufferBytes, recorder_->ledger());
  std::shared_ptr<EventBuffer> buffer = file ? with_fallback(std::move(file), std::move(memory)) : std::move(memory);
  SenderOptions sender_options;
  sender_options.dsn = options_.dsn;
  sender_options.speaks_sentry = client.protocol == Protocol::kSentry;
  sender_options.run_id = recorder_->run_id();
  sender_options.release = client.release;
  TransportOptions transport{options_.dsn.scheme == "https", options_.dsn.host, client.proxy, client.ca_file};
  auto sender = Sender::start(std::move(sender_options), make_transport(transport), buffer, recorder_->ledger(),
                              recorder_, report_);
  buffer_ = std::move(buffer);
  sender_ = std::move(sender);
}

void Worker::lock_for_fork() {
  mutex_.lock();
  if (buffer_) buffer_->lock_for_fork();
}
void Worker::unlock_after_fork() {
  if (buffer_) buffer_->unlock_after_fork();
  mutex_.unlock();
}

/// What is to be done now and then.
void Worker::do_rounds() {
  const Time now = Steady::now();
  if (now >= next_round_) {
    next_round_ = now + kRound;
    update_life_signs(recorder_->life(), core::system_clock().unix_millis());
    recover_abandoned();
    adopt_leftovers();
    if (buffer_) buffer_->evict_old(core::system_clock().unix_millis());
  }
  if (now >= next_report_) {
    next_report_ = now + kRound;
    report_losses();
  }
}

milliseconds Worker::time_to_next_round() const {
  milliseconds wait = std::min(until(next_round_), until(next_report_));
  if (const core::UnixMillis end = repeats_.next_end(); end != 0) {
    const milliseconds to_end{end - core::system_clock().unix_millis()};
    wait = std::min(wait, std::max(to_end, milliseconds{1}));
  }
  return wait;
}

/// Tells the server what was dropped since the last time: by the ledger, or where it does not know that, by a client
/// report. Never by both, or it would count twice.
void Worker::report_losses() {
  if (options_.client.protocol == Protocol::kSentry) return send_client_report();
  if (recorder_->ledger().captured.load(std::memory_order_relaxed) == 0) return;
  open_buffer();
  sender_->tell_ledger();
}

void Worker::send_client_report() {
  core::JsonWriter report;
  report.begin_object().key("timestamp").text(core::format_timestamp(core::system_clock().unix_millis()));
  report.key("discarded_events").begin_array();
  bool has_losses = false;
  for (std::size_t index = 0; index < kFates; ++index) {
    const auto fate = static_cast<Fate>(index);
    const std::uint64_t count = recorder_->ledger().of(fate);
    const std::uint64_t fresh = count - std::min(count, reported_[index]);
    if (fate == Fate::kDelivered || fresh == 0) continue;
    reported_[index] = count;
    has_losses = true;
    report.begin_object().key("reason").text(discard_reason(fate)).key("category").text("error");
    report.key("quantity").number(static_cast<std::int64_t>(fresh)).end_object();
  }
  if (!has_losses) return;
  const std::string payload = report.end_array().end_object().take();
  put({{ItemKind::kEnvelope, "", false, envelope("", R"({"type":"client_report"})", payload), 0}},
      recorder_->events().tail());
}

void Worker::publish_modules() {
  const auto& modules = stacks_.modules();
  if (published_modules_ == stacks_.modules_version()) return;
  published_modules_ = stacks_.modules_version();
  recorder_->publish_modules(modules_to_json(modules));
}

}  // namespace trapline::sdk
