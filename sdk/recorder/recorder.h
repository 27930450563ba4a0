#pragma once

/// The flight recorder: a file that is mapped into the process and holds what must outlive it. The mapping belongs to
/// the kernel, so what was written into it is there after SIGKILL, after the out-of-memory killer, after _exit(). (Not
/// after a power cut: nothing is synced.) Whoever next starts with the same folder finds recorders whose owner is gone,
/// by a lock that dies with its process (recorder_file.h), and delivers what they hold.
///
/// The file's blocks are reserved when it is made: writing through a mapping into a full disk would end the app with
/// SIGBUS. Pages that are never touched cost no memory.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/core/result.h"
#include "sdk/recorder/breadcrumb_ring.h"
#include "sdk/recorder/layout.h"
#include "sdk/recorder/mapping.h"
#include "sdk/recorder/recorder_file.h"

namespace trapline::sdk {

/// The recorder of this process. Thread-safe where its parts are.
class Recorder {
 public:
  struct Options {
    std::string folder;  ///< there already; empty: memory only, which does not outlive the process
    std::size_t bytes = std::size_t{4} << 20;
    std::size_t max_breadcrumbs = 100;
    core::UnixMillis now = 0;
  };
  /// Errors: "recorder_failed", naming the file and the system's reason.
  static core::Result<std::unique_ptr<Recorder>> create(const Options& options);
  /// Leaves the file where it is, for whoever comes next.
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  EventRing& events() { return events_; }
  BreadcrumbRing& breadcrumbs() { return breadcrumbs_; }
  LedgerCounters& ledger() { return header().ledger; }
  SessionBlock& session() { return header().session; }
  LifeSigns& life() { return header().life; }
  /// The mapping, for a crash handler (layout.h).
  [[nodiscard]] char* memory() const { return mapping_.memory(); }
  char* repeats() { return mapping_.memory() + kRepeatsAt; }
  [[nodiscard]] const std::string& run_id() const { return run_id_; }

  /// Puts the global scope's row (scope_fields.h) into the file; too long a row is left out. One thread at a time.
  void publish_scope(std::string_view row);
  /// One thread at a time. Too long a text is left out.
  void publish_facts(std::string_view json) { publish(header().facts, kFactsAt, kFactsBytes, json); }
  void publish_modules(std::string_view json) { publish(header().modules, kModulesAt, kModulesBytes, json); }

  /// Removes the file: everything in it was delivered or handed on.
  void remove_file();
  /// In the child of a fork: lets go of the parent's recorder without touching its file.
  void leak();

 private:
  Recorder(Mapping mapping, RecorderFile file, std::string run_id, std::size_t max_breadcrumbs);
  [[nodiscard]] RecorderHeader& header() const { return *reinterpret_cast<RecorderHeader*>(mapping_.memory()); }
  void publish(TextArea& area, std::size_t at, std::size_t capacity, std::string_view text);

  RecorderFile file_;  ///< not open: memory only
  Mapping mapping_;
  bool is_to_be_removed_ = false;
  std::string run_id_;
  EventRing events_;
  BreadcrumbRing breadcrumbs_;
};

/// A recorder whose process is gone, locked against everybody else.
class AbandonedRecorder {
 public:
  ~AbandonedRecorder();
  AbandonedRecorder(const AbandonedRecorder&) = delete;
  AbandonedRecorder& operator=(const AbandonedRecorder&) = delete;

  [[nodiscard]] const std::string& run_id() const { return run_id_; }
  /// Not before `drained_to`, which the caller may know better than the file.
  [[nodiscard]] EventRingReader events(std::uint64_t drained_to) const;
  /// Behind the last record.
  [[nodiscard]] std::uint64_t events_end() const { return header().ring.head.load(std::memory_order_relaxed); }
  [[nodiscard]] const LedgerCounters& ledger() const { return header().ledger; }
  [[nodiscard]] const SessionBlock& session() const { return header().session; }
  [[nodiscard]] const LifeSigns& life() const { return header().life; }
  [[nodiscard]] core::UnixMillis created() const { return header().created; }
  [[nodiscard]] std::string_view scope() const;
  [[nodiscard]] std::string breadcrumbs() const;
  [[nodiscard]] std::string_view facts() const { return read(header().facts, kFactsAt, kFactsBytes); }
  [[nodiscard]] std::string_view modules() const { return read(header().modules, kModulesAt, kModulesBytes); }
  [[nodiscard]] const char* repeats() const { return mapping_.memory() + kRepeatsAt; }
  /// The whole file (layout.h), for whoever reads a crash out of it.
  [[nodiscard]] const char* memory() const { return mapping_.memory(); }
  void remove_file();
  /// Counts in the file that its contents are about to be taken over; answers how often that was begun before.
  std::uint32_t count_recovery();
  /// The crash was taken over, the rest was not: who reads the file next finds none.
  void forget_crash();

 private:
  friend std::vector<std::unique_ptr<AbandonedRecorder>> find_abandoned(const std::string& folder, std::size_t most);
  AbandonedRecorder(Mapping mapping, RecorderFile file);
  static std::unique_ptr<AbandonedRecorder> open(const std::string& path);
  [[nodiscard]] const RecorderHeader& header() const {
    return *reinterpret_cast<const RecorderHeader*>(mapping_.memory());
  }
  [[nodiscard]] std::string_view read(const TextArea& area, std::size_t at, std::size_t capacity) const;

  RecorderFile file_;
  Mapping mapping_;
  bool is_to_be_removed_ = false;
  std::string run_id_;
};

/// Where the recorder of a run is, while it is.
std::string recorder_path(const std::string& folder, const std::string& run_id);

/// Around a fork: the child must not find the list of the process's runs locked.
void lock_runs_before_fork();
void unlock_runs_after_fork();
/// In the child: its parent's runs are not its own.
void forget_runs_after_fork();

/// Takes the recorders in a folder whose processes are gone. What is no recorder, or is damaged in its header, is
/// removed: nothing can be made of it. At most so many at once: each takes a descriptor.
std::vector<std::unique_ptr<AbandonedRecorder>> find_abandoned(const std::string& folder, std::size_t most = 64);

}  // namespace trapline::sdk
