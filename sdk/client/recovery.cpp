/// What the worker (worker.h) does with what processes that are gone have left, and with what it leaves itself.

#include <algorithm>
#include <filesystem>
#include <utility>

#include "sdk/client/crash_event.h"
#include "sdk/client/host_facts.h"
#include "sdk/client/life_signs.h"
#include "sdk/client/record_item.h"
#include "sdk/client/session.h"
#include "sdk/client/termination.h"
#include "sdk/client/worker.h"
#include "sdk/crash/crash_handler.h"

namespace trapline::sdk {
namespace {

constexpr std::size_t kMostRecordersAtOnce = 16;

/// What a process had counted before its events came to the buffer.
void add_gone(const LedgerCounters& counters, GoneLedger& ledger) {
  ledger.captured = counters.captured.load(std::memory_order_relaxed);
  for (std::size_t index = 0; index < kFates; ++index) {
    const auto fate = static_cast<Fate>(index);
    const bool is_of_buffer = fate == Fate::kDelivered || fate == Fate::kEvicted || fate == Fate::kRejected;
    const std::uint64_t count = counters.of(fate);
    if (is_of_buffer || count == 0) continue;
    ledger.fates.emplace_back(fate, count);
  }
}

/// What the process knew of itself. One that ended in its first moments had not looked at its machine, which is this
/// one.
core::ProcessFacts facts_of(const AbandonedRecorder& abandoned, const core::ProcessFacts& own) {
  auto parsed = parse_facts(abandoned.facts());
  core::ProcessFacts facts = parsed ? std::move(*parsed) : core::ProcessFacts{};
  if (!facts.contexts.empty()) return facts;
  for (const auto& context : own.contexts) {
    if (context.first == "os" || context.first == "device") facts.contexts.push_back(context);
  }
  return facts;
}

std::string dump_path(const std::string& folder, const AbandonedRecorder& abandoned) {
  return folder + "/" + abandoned.run_id() + ".dmp";
}

void remove_quietly(const std::string& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
}

/// The minidump that the helper has written, if it has.
void add_dump(CrashEvent& crash, const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return;
  crash.decoded.owned.push_back(path);
  crash.decoded.attachments.push_back({"minidump.dmp", crash.decoded.owned.back(), {}, "event.minidump"});
}

/// On the thread that runs before_send.
bool is_crash_of_ours(const CrashEvent& crash) { return crash.decoded.event.thread_name == kWorkerThread; }

EventRenderer::Rendered hook_dropped() {
  EventRenderer::Rendered dropped;
  dropped.fate = Fate::kHookDropped;
  return dropped;
}

}  // namespace

void Worker::recover_abandoned() {
  if (options_.folder.empty()) return;
  const auto found = find_abandoned(options_.folder, kMostRecordersAtOnce);
  bool has_recovered_all = true;
  for (const auto& abandoned : found) {
    open_buffer();
    has_recovered_all = recover(*abandoned) && has_recovered_all;
  }
  has_more_abandoned_ = found.size() == kMostRecordersAtOnce && has_recovered_all;
  if (has_more_abandoned_) next_round_ = std::chrono::steady_clock::now();
}

/// What is taken over from one recorder.
struct Takeover {
  const core::ProcessFacts facts;
  StackReader stacks;
  const std::int64_t images;
  const Drained before;     ///< what an earlier, interrupted takeover has done
  const bool is_poisonous;  ///< before_send has not survived it
  std::vector<NewItem> items = {};
  GoneLedger ledger = {};
  std::uint64_t drained_to = 0;
  std::uint64_t found = 0;     ///< events
  std::uint64_t not_kept = 0;  ///< of those
  std::uint64_t crashes = 0;   ///< captured by the handler, which does not count

  void take(EventRenderer::Rendered rendered, const Worker::Report& report) {
    for (const std::string& problem : rendered.problems) report(problem);
    if (rendered.fate) {
      ledger.fates.emplace_back(*rendered.fate, 1);
      ++not_kept;
    }
    ++found;
    for (NewItem& item : rendered.items) {
      item.images = item.kind == ItemKind::kEvent ? images : 0;
      items.push_back(std::move(item));
    }
  }
};

/// Takes over what a process that is gone left in its recorder. False: that cannot be written now.
bool Worker::recover(AbandonedRecorder& abandoned) {
  if (options_.client.recovers_only_crashes) return recover_crash(abandoned);
  // A hook that crashes on one of these events would crash in every start from now on.
  constexpr std::uint32_t kMostRecoveries = 2;
  const bool is_poisonous = abandoned.count_recovery() >= kMostRecoveries && options_.client.hooks.before_send;
  if (is_poisonous) report_("before_send has not survived the events of a process that is gone: they are dropped");
  StackReader stacks(modules_at_end(abandoned), options_.client.reading);
  const std::int64_t images = put_images(stacks);
  Takeover takeover{facts_of(abandoned, facts_), std::move(stacks), images, buffer_->drained(abandoned.run_id()),
                    is_poisonous};
  take_records(abandoned, takeover);
  take_end(abandoned, takeover);
  // Nothing is lost if it cannot be written now: the file stays for the next round.
  const Kept kept = buffer_->add(abandoned.run_id(), takeover.drained_to, takeover.items, /*must_last=*/true);
  if (kept != Kept::kDurable) return false;
  settle(abandoned, takeover);
  abandoned.remove_file();
  remove_quietly(dump_path(options_.folder, abandoned));
  report_("found " + std::to_string(takeover.found) + " events of a process that is gone");
  sender_->notify(takeover.items.size() + 1, 0);
  return true;
}

/// What it had captured, and not yet read.
void Worker::take_records(const AbandonedRecorder& abandoned, Takeover& takeover) {
  EventRingReader reader = abandoned.events(takeover.before.position);
  while (const auto record = reader.next()) {
    takeover.drained_to = record->next_position;
    if (record->kind == RecordKind::kItem) {
      if (auto item = read_item(record->payload)) takeover.items.push_back(std::move(*item));
    } else if (takeover.is_poisonous) {
      takeover.take(hook_dropped(), report_);
    } else {
      takeover.take(renderer_.render(record->payload, takeover.facts, takeover.stacks), report_);
    }
  }
}

/// How it ended.
void Worker::take_end(const AbandonedRecorder& abandoned, Takeover& takeover) {
  const OomKills kills = count_oom_kills();
  const Termination termination = classify_termination(abandoned, {boot_id(), kills.count, kills.group});
  const auto crash =
      termination == Termination::kCrash ? read_crash(abandoned) : termination_event(abandoned, termination);
  if (crash) {
    // Its place is behind all records, so that it is taken over once, as they are.
    constexpr std::uint64_t kCrashPosition = 8;
    takeover.drained_to = abandoned.events_end() + kCrashPosition;
    ++takeover.crashes;
    if (takeover.before.position < takeover.drained_to) {
      add_dump(*crash, dump_path(options_.folder, abandoned));
      name_crash(*crash, takeover.stacks);
      // The hook is not asked about a crash of its own.
      const bool uses_hook = !takeover.is_poisonous && !is_crash_of_ours(*crash);
      takeover.take(renderer_.render(crash->decoded, takeover.facts, takeover.stacks, uses_hook), report_);
    }
  }
  auto session = unended_session(abandoned, termination, takeover.facts);
  if (session) takeover.items.push_back(std::move(*session));
}

/// Its counters.
void Worker::settle(const AbandonedRecorder& abandoned, Takeover& takeover) {
  std::vector<RepeatCount> counts;
  for (const FinishedRepeat& repeat : RepeatTable::read(abandoned.repeats())) {
    counts.push_back({to_text(repeat.held_id), repeat.count, repeat.last});
  }
  buffer_->finish_repeats(counts);
  GoneLedger& ledger = takeover.ledger;
  std::uint64_t known = takeover.before.events + takeover.found;
  add_gone(abandoned.ledger(), ledger);
  ledger.release = takeover.facts.release;
  ledger.captured += takeover.crashes;
  for (const auto& [fate, count] : ledger.fates) known += count;
  known -= std::min(known, takeover.not_kept);  // counted as found already
  // What it neither counted nor left was being captured when it was killed.
  if (ledger.captured > known) ledger.fates.emplace_back(Fate::kTorn, ledger.captured - known);
  buffer_->adopt(abandoned.run_id(), ledger);
}

/// The crash alone: the rest is left to a process that has the app's hooks.
bool Worker::recover_crash(AbandonedRecorder& abandoned) {
  const auto crash = read_crash(abandoned);
  if (!crash) return true;
  StackReader stacks(modules_at_end(abandoned), options_.client.reading);
  const std::int64_t images = put_images(stacks);
  add_dump(*crash, dump_path(options_.folder, abandoned));
  name_crash(*crash, stacks);
  EventRenderer::Rendered rendered = renderer_.render(crash->decoded, facts_of(abandoned, facts_), stacks);
  for (const std::string& problem : rendered.problems) report_(problem);
  for (NewItem& item : rendered.items) item.images = item.kind == ItemKind::kEvent ? images : 0;
  recorder_->ledger().captured.fetch_add(1, std::memory_order_relaxed);
  if (rendered.fate) recorder_->ledger().count(*rendered.fate);
  if (buffer_->add(recorder_->run_id(), recorder_->events().tail(), rendered.items, /*must_last=*/true) !=
      Kept::kDurable)
    return false;
  abandoned.forget_crash();
  remove_quietly(dump_path(options_.folder, abandoned));
  sender_->notify(rendered.items.size(), 0);
  return true;
}

/// Events in the buffer whose process ended in peace, but before they could be sent.
void Worker::adopt_leftovers() {
  if (!buffer_ || options_.folder.empty()) return;
  const std::vector<std::string> runs = buffer_->other_runs();  // run, keeper, run, keeper, …
  for (std::size_t index = 0; index + 1 < runs.size(); index += 2) {
    const auto has_recorder = [&](const std::string& run_id) {
      std::error_code error;
      return std::filesystem::exists(recorder_path(options_.folder, run_id), error);
    };
    // Whose keeper lives is left to it; whose own recorder is still to be read is taken over with that. (Its place here
    // says how far it was read: without it, its events would be sent a second time.)
    if (has_recorder(runs[index + 1]) || has_recorder(runs[index])) continue;
    buffer_->adopt_from(runs[index], runs[index + 1]);
    sender_->notify(1, 0);
  }
}

/// The recorder is empty now: its file is of no more use, its counters go where those of all runs are.
void Worker::hand_over() {
  if (options_.folder.empty() || is_dying_by_crash(recorder_->memory())) return;
  if (buffer_) {
    GoneLedger ledger;
    add_gone(recorder_->ledger(), ledger);
    ledger.release = options_.client.release;
    buffer_->adopt(recorder_->run_id(), ledger);
    buffer_->note_told(recorder_->run_id(), sender_->told());
  }
  recorder_->remove_file();
}

}  // namespace trapline::sdk
