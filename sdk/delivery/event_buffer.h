#pragma once

/// Where events wait until a server has them. Two kinds: a file that outlives the process (sqlite_buffer.h) and memory
/// (memory_buffer.h), for where no file can be had.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sdk/core/clock.h"
#include "sdk/delivery/run_ledger.h"
#include "sdk/recorder/ledger.h"

namespace trapline::sdk {

enum class ItemKind : std::uint8_t {
  kEvent = 0,     ///< body: the event's JSON, without debug_meta
  kEnvelope = 1,  ///< body: a whole envelope, for what is no event
};

struct NewItem {
  ItemKind kind = ItemKind::kEvent;
  std::string event_id;
  bool is_held = false;  ///< not to be sent before finish_repeats() names it
  std::string body;
  std::int64_t images = 0;  ///< of put_images(); 0: none
};

struct BufferedItem {
  std::int64_t id = 0;  ///< grows
  ItemKind kind = ItemKind::kEvent;
  std::string event_id;
  std::string body;
  std::int64_t images = 0;
  std::uint64_t repeat_count = 0;  ///< 0: stands for itself
  core::UnixMillis repeat_last = 0;
  std::string run_id = {};  ///< that captured it: this process's, or that of one that is gone
};

/// An event that is complete now that its window is over.
struct RepeatCount {
  std::string event_id;
  std::uint64_t count = 0;
  core::UnixMillis last = 0;
};

/// What a process that is gone had counted before its events came here.
struct GoneLedger {
  std::uint64_t captured = 0;
  std::vector<std::pair<Fate, std::uint64_t>> fates;
  std::string release = {};
};

/// What became of added items.
enum class Kept : std::uint8_t {
  kNot,       ///< they cannot be written now: try again
  kVolatile,  ///< in memory only
  kDurable,
};

/// How much of a run's recorder is here, or was.
struct Drained {
  std::uint64_t position = 0;
  std::uint64_t events = 0;
};

/// Thread-safe. Nothing throws. Events are counted in the ledger of the process as they come to their end here:
/// evicted, delivered, rejected.
class EventBuffer {
 public:
  virtual ~EventBuffer() = default;

  /// Adds what was drained from a run's recorder up to `drained_to`, all or nothing. Evicts the oldest where there is
  /// no room. With `must_last`, only to where it outlives the process.
  virtual Kept add(const std::string& run_id, std::uint64_t drained_to, const std::vector<NewItem>& items,
                   bool must_last = false) = 0;
  /// Whether there is something here that would be lost with the process.
  virtual bool holds_volatile() { return false; }
  /// What earlier calls have added of a run.
  virtual Drained drained(const std::string& run_id) = 0;
  /// Takes over the events of runs that are gone, whose recorders nobody holds, and adds what they had counted.
  virtual void adopt(const std::string& run_id, const GoneLedger& ledger) = 0;
  /// The same of a run that had that keeper when it was looked at: not if another process was faster.
  virtual void adopt_from(const std::string& run_id, const std::string& keeper) = 0;
  /// The counters of another run, with what has become of its events here. Without `captured` when nobody has brought
  /// them.
  virtual RunLedger ledger(const std::string& run_id) = 0;
  /// One of a run that was taken over and has no more events here, if the server has not been told all of it.
  virtual std::optional<RunLedger> untold_ledger() = 0;
  /// A server knows so much of a run's counters. False when that cannot be written now: it will be told again.
  virtual bool note_told(const std::string& run_id, const Told& told) = 0;
  /// Runs, besides this one, that have events or a place here.
  virtual std::vector<std::string> other_runs() = 0;

  /// A module list; the same list gives the same number.
  virtual std::int64_t put_images(const std::string& debug_meta) = 0;
  virtual std::string images(std::int64_t id) = 0;

  /// Lets the held events that are named go, with their counts. Answers those that are not here (yet), or could not be
  /// changed.
  virtual std::vector<RepeatCount> finish_repeats(const std::vector<RepeatCount>& repeats) = 0;

  /// The oldest items of `kind`: this run's, and those that were taken over. They stay until they are removed.
  virtual std::vector<BufferedItem> take(ItemKind kind, std::size_t max_items, std::size_t max_bytes) = 0;
  /// They came to this end: they leave. False when that cannot be written now: they are still there.
  virtual bool remove(const std::vector<BufferedItem>& items, Fate fate) = 0;

  /// Drops what is older than the buffer keeps things.
  virtual void evict_old(core::UnixMillis now) = 0;

  /// Events of this run that are here.
  virtual std::size_t own_events() = 0;
  /// The highest id there is; 0: empty.
  virtual std::int64_t last_id() = 0;
  /// The lowest id of what may be taken; 0: nothing.
  virtual std::int64_t first_id() = 0;
  /// Around a fork: nothing is under way, and no file is open that the child would share. (SQLite's connections must
  /// not cross a fork: https://www.sqlite.org/howtocorrupt.html, section 2.6.)
  virtual void lock_for_fork() {}
  virtual void unlock_after_fork() {}

  /// At the end: counts the events that nobody else can find here as lost, and answers how many.
  virtual std::size_t lose_volatile() { return 0; }
};

}  // namespace trapline::sdk
