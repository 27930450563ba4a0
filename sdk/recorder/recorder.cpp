#include "sdk/recorder/recorder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <new>
#include <set>
#include <span>
#include <utility>

#include "sdk/core/checksum.h"
#include "sdk/core/process_id.h"
#include "sdk/core/random.h"
#include "sdk/recorder/recorder_header.h"

namespace trapline::sdk {
namespace {

/// Runs of this process: their files must never be opened again here, since closing any descriptor of a file drops the
/// process's locks on it (POSIX).
struct OwnRuns {
  std::mutex mutex;
  std::set<std::string> ids;
};
OwnRuns& own_runs() {
  static auto* const kRuns = new OwnRuns;
  return *kRuns;
}
bool is_own_run(const std::string& run_id) {
  const std::lock_guard guard(own_runs().mutex);
  return own_runs().ids.contains(run_id);
}

}  // namespace

core::Result<std::unique_ptr<Recorder>> Recorder::create(const Options& options) {
  const std::size_t bytes = std::max(kSmallestRecorder, options.bytes / kPage * kPage);
  std::string run_id = core::random_hex(16);
  RecorderFile file;
  if (!options.folder.empty()) {
    auto made = RecorderFile::create(options.folder + "/" + run_id + std::string(kUnfinishedRecorderSuffix), bytes);
    if (!made) return made.error();
    file = std::move(*made);
  }
  Mapping mapping = file.is_open() ? file.map_shared(bytes) : Mapping::of_memory(bytes);
  if (mapping.memory() == nullptr) {
    if (file.is_open()) file.remove();
    return core::Error{"recorder_failed", "cannot map " + std::to_string(bytes) + " bytes of '" + file.path() + "'"};
  }
  auto* const header = new (mapping.memory()) RecorderHeader{};
  header->created = options.now;
  std::array<char, 32> run_id_digits{};
  std::copy(run_id.begin(), run_id.end(), run_id_digits.begin());
  begin_recorder_header(*header, run_id_digits, core::process_id(), bytes);
  auto* const crash = new (mapping.memory() + kCrashAt) CrashBlock{};
  core::fill_random(std::as_writable_bytes(std::span(crash->event_id)));
  make_version_4(crash->event_id);
  if (file.is_open()) {
    {
      const std::lock_guard guard(own_runs().mutex);
      own_runs().ids.insert(run_id);
    }
    // Only now is it visible under the name that others look for: locked and whole.
    if (const core::Status renamed = file.rename(recorder_path(options.folder, run_id)); !renamed) {
      mapping.undo();
      file.remove();
      return renamed.error();
    }
  }
  return std::unique_ptr<Recorder>(
      new Recorder(std::move(mapping), std::move(file), std::move(run_id), options.max_breadcrumbs));
}

Recorder::Recorder(Mapping mapping, RecorderFile file, std::string run_id, std::size_t max_breadcrumbs)
    : file_(std::move(file)),
      mapping_(std::move(mapping)),
      run_id_(std::move(run_id)),
      events_(header().ring, mapping_.memory() + kEventsAt, mapping_.bytes() - kEventsAt),
      breadcrumbs_(header().breadcrumbs_begin, header().breadcrumbs_end, mapping_.memory() + kBreadcrumbsAt,
                   kBreadcrumbBytes, max_breadcrumbs) {}

Recorder::~Recorder() {
  if (!file_.is_open()) return;
  mapping_.undo();
  if (is_to_be_removed_) file_.remove();
  file_.close();
  const std::lock_guard guard(own_runs().mutex);
  own_runs().ids.erase(run_id_);
}

void Recorder::publish_scope(std::string_view row) {
  if (row.size() > kScopeBytes) return;
  RecorderHeader& shared = header();
  const std::uint32_t next = 1 - shared.scope_in_force.load(std::memory_order_relaxed);
  std::memcpy(mapping_.memory() + kScopeAt + next * kScopeBytes, row.data(), row.size());
  shared.scope_length[next].store(static_cast<std::uint32_t>(row.size()), std::memory_order_relaxed);
  // Release: the copy is whole before it is in force.
  shared.scope_in_force.store(next, std::memory_order_release);
}

void Recorder::publish(TextArea& area, std::size_t at, std::size_t capacity, std::string_view text) {
  if (text.size() > capacity) return;
  area.length.store(0, std::memory_order_release);
  std::memcpy(mapping_.memory() + at, text.data(), text.size());
  area.checksum = core::fast_checksum(text, at);
  area.length.store(static_cast<std::uint32_t>(text.size()), std::memory_order_release);
}

void Recorder::remove_file() {
  if (!file_.is_open() || file_.remove()) return;
  is_to_be_removed_ = true;
  header().magic = 0;  // should the process end before that, it is no recorder any more
}

void Recorder::leak() {
  mapping_.leak();
  file_.close();
}

AbandonedRecorder::AbandonedRecorder(Mapping mapping, RecorderFile file)
    : file_(std::move(file)), mapping_(std::move(mapping)), run_id_(header().run_id.data(), header().run_id.size()) {}

AbandonedRecorder::~AbandonedRecorder() {
  mapping_.undo();
  if (is_to_be_removed_) file_.remove();
}

std::unique_ptr<AbandonedRecorder> AbandonedRecorder::open(const std::string& path) {
  auto file = RecorderFile::take(path);
  if (!file) return nullptr;
  const std::size_t bytes = file->bytes();
  constexpr std::size_t kLargest = std::size_t{1} << 30;
  Mapping mapping = bytes >= kSmallestRecorder && bytes <= kLargest ? file->map_to_read(bytes) : Mapping();
  const bool is_whole = mapping.memory() != nullptr &&
                        is_recorder_header(*reinterpret_cast<const RecorderHeader*>(mapping.memory()), bytes);
  if (is_whole) return std::unique_ptr<AbandonedRecorder>(new AbandonedRecorder(std::move(mapping), std::move(*file)));
  mapping.undo();
  file->remove();
  return nullptr;
}

EventRingReader AbandonedRecorder::events(std::uint64_t drained_to) const {
  const std::uint64_t tail = header().ring.tail.load(std::memory_order_relaxed);
  return {std::string_view(mapping_.memory() + kEventsAt, mapping_.bytes() - kEventsAt), std::max(tail, drained_to),
          header().ring.head.load(std::memory_order_relaxed)};
}

std::string_view AbandonedRecorder::scope() const {
  const std::uint32_t in_force = header().scope_in_force.load(std::memory_order_relaxed) & 1U;
  const std::size_t length = header().scope_length[in_force].load(std::memory_order_relaxed);
  return {mapping_.memory() + kScopeAt + in_force * kScopeBytes, std::min(length, kScopeBytes)};
}

std::string AbandonedRecorder::breadcrumbs() const {
  std::string rows;
  BreadcrumbRing::read({mapping_.memory() + kBreadcrumbsAt, kBreadcrumbBytes},
                       header().breadcrumbs_begin.load(std::memory_order_relaxed),
                       header().breadcrumbs_end.load(std::memory_order_relaxed),
                       [&](std::string_view row) { rows += row; });
  return rows;
}

std::string_view AbandonedRecorder::read(const TextArea& area, std::size_t at, std::size_t capacity) const {
  const std::string_view text(mapping_.memory() + at,
                              std::min<std::size_t>(area.length.load(std::memory_order_relaxed), capacity));
  return core::fast_checksum(text, at) == area.checksum ? text : std::string_view();
}

void AbandonedRecorder::remove_file() { is_to_be_removed_ = !file_.remove(); }

std::uint32_t AbandonedRecorder::count_recovery() {
  constexpr std::size_t kPlace = offsetof(RecorderHeader, recoveries);
  const auto before = file_.read_number(kPlace);
  return before && file_.write_number(kPlace, *before + 1) ? *before : 0;
}

void AbandonedRecorder::forget_crash() {
  // Where that fails the next reader sends it again, under the same id: the server knows it.
  file_.write_number(kCrashAt + offsetof(CrashBlock, state), static_cast<std::uint32_t>(CrashState::kTaken));
}

void lock_runs_before_fork() { own_runs().mutex.lock(); }
void unlock_runs_after_fork() { own_runs().mutex.unlock(); }
void forget_runs_after_fork() { own_runs().ids.clear(); }

std::string recorder_path(const std::string& folder, const std::string& run_id) {
  return folder + "/" + run_id + std::string(kRecorderSuffix);
}

std::vector<std::unique_ptr<AbandonedRecorder>> find_abandoned(const std::string& folder, std::size_t most) {
  std::vector<std::unique_ptr<AbandonedRecorder>> found;
  std::error_code error;
  auto entry = std::filesystem::directory_iterator(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator() && found.size() < most; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const bool is_unfinished = name.ends_with(kUnfinishedRecorderSuffix);
    if (!is_unfinished && !name.ends_with(kRecorderSuffix)) continue;
    const std::string run_id = name.substr(0, name.find('.'));
    if (is_own_run(run_id)) continue;
    auto recorder = AbandonedRecorder::open(entry->path().string());
    if (recorder && is_unfinished) {  // its process died before it captured anything
      recorder->remove_file();
      continue;
    }
    if (recorder) found.push_back(std::move(recorder));
  }
  return found;
}

}  // namespace trapline::sdk
