#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <new>
#include <set>
#include <span>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sdk/core/checksum.h"
#include "sdk/core/random.h"
#include "sdk/recorder/recorder.h"
#include "sdk/recorder/recorder_file.h"

namespace trapline::sdk {
namespace {

core::Error failed(const std::string& what, const std::string& path) {
  return {"recorder_failed", what + " '" + path + "': " + std::strerror(errno)};  // NOLINT(concurrency-mt-unsafe)
}

/// Runs of this process: their files must never be opened again here, since closing any descriptor of a file drops the
/// process's locks on it.
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

Mapping::Mapping(Mapping&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)), bytes_(other.bytes_) {}
Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(bytes_, other.bytes_);
  return *this;
}
Mapping::~Mapping() {
  if (memory_ != nullptr) munmap(memory_, bytes_);
}

core::Result<std::unique_ptr<Recorder>> Recorder::create(const Options& options) {
  const std::size_t bytes = std::max(kSmallestRecorder, options.bytes / kPage * kPage);
  std::string run_id = core::random_hex(16);
  int file = -1;
  std::string path;
  std::string unfinished;
  if (!options.folder.empty()) {
    path = recorder_path(options.folder, run_id);
    unfinished = options.folder + "/" + run_id + std::string(kUnfinishedRecorderSuffix);
    file = open(unfinished.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return failed("cannot create", unfinished);
    if (!lock_recorder_file(file) || !reserve_recorder_blocks(file, bytes)) {
      const core::Error error = failed("cannot reserve " + std::to_string(bytes) + " bytes for", unfinished);
      unlink(unfinished.c_str());
      close(file);
      return error;
    }
  }
  const int flags = file >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, file, 0);
  if (memory == MAP_FAILED) {
    const core::Error error = failed("cannot map", unfinished);
    if (file >= 0) {
      unlink(unfinished.c_str());
      close(file);
    }
    return error;
  }
  // Without these the first page that is touched brings in megabytes around it: 1.6 ms instead of 13 us.
  madvise(memory, bytes, MADV_NOHUGEPAGE);
  madvise(memory, bytes, MADV_RANDOM);
  auto* const header = new (memory) RecorderHeader{};
  header->created = options.now;
  std::array<char, 32> run_id_digits{};
  std::copy(run_id.begin(), run_id.end(), run_id_digits.begin());
  begin_recorder_header(*header, run_id_digits, bytes);
  auto* const crash = new (static_cast<char*>(memory) + kCrashAt) CrashBlock{};
  core::fill_random(std::as_writable_bytes(std::span(crash->event_id)));
  make_version_4(crash->event_id);
  if (file >= 0) {
    {
      const std::lock_guard guard(own_runs().mutex);
      own_runs().ids.insert(run_id);
    }
    // Only now is it visible under the name that others look for: locked and whole.
    if (rename(unfinished.c_str(), path.c_str()) != 0) {
      const core::Error error = failed("cannot rename", unfinished);
      munmap(memory, bytes);
      unlink(unfinished.c_str());
      close(file);
      return error;
    }
  }
  return std::unique_ptr<Recorder>(new Recorder(Mapping(static_cast<char*>(memory), bytes), file, std::move(path),
                                                std::move(run_id), options.max_breadcrumbs));
}

Recorder::Recorder(Mapping mapping, int file, std::string path, std::string run_id, std::size_t max_breadcrumbs)
    : mapping_(std::move(mapping)),
      file_(file),
      path_(std::move(path)),
      run_id_(std::move(run_id)),
      events_(header().ring, mapping_.memory() + kEventsAt, mapping_.bytes() - kEventsAt),
      breadcrumbs_(header().breadcrumbs_begin, header().breadcrumbs_end, mapping_.memory() + kBreadcrumbsAt,
                   kBreadcrumbBytes, max_breadcrumbs) {}

Recorder::~Recorder() {
  if (file_ < 0) return;
  close(file_);
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
  if (file_ >= 0) unlink(path_.c_str());
}

void Recorder::leak() {
  mapping_.leak();
  if (file_ >= 0) close(file_);
  file_ = -1;
}

AbandonedRecorder::AbandonedRecorder(Mapping mapping, int file, std::string path)
    : mapping_(std::move(mapping)),
      file_(file),
      path_(std::move(path)),
      run_id_(header().run_id.data(), header().run_id.size()) {}

AbandonedRecorder::~AbandonedRecorder() { close(file_); }

std::unique_ptr<AbandonedRecorder> AbandonedRecorder::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return nullptr;
  struct stat status {};
  // Another process may have taken it, and removed it, between the listing and the lock.
  const bool is_ours = lock_recorder_file(file) && fstat(file, &status) == 0 && status.st_nlink > 0;
  if (!is_ours) {
    close(file);
    return nullptr;
  }
  const auto bytes = static_cast<std::size_t>(status.st_size);
  constexpr std::size_t kLargest = std::size_t{1} << 30;
  void* const memory = bytes >= kSmallestRecorder && bytes <= kLargest
                           ? mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0)
                           : MAP_FAILED;
  if (memory != MAP_FAILED) {
    const auto* const header = static_cast<const RecorderHeader*>(memory);
    const bool is_whole = header->magic == kRecorderMagic && header->version == kRecorderVersion &&
                          header->file_bytes == bytes && header->checksum == recorder_header_checksum(*header);
    Mapping mapping(static_cast<char*>(memory), bytes);
    if (is_whole) return std::unique_ptr<AbandonedRecorder>(new AbandonedRecorder(std::move(mapping), file, path));
  }
  unlink(path.c_str());
  close(file);
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

void AbandonedRecorder::remove_file() { unlink(path_.c_str()); }

std::uint32_t AbandonedRecorder::count_recovery() {
  constexpr off_t kPlace = offsetof(RecorderHeader, recoveries);
  std::uint32_t before = 0;
  if (pread(file_, &before, sizeof before, kPlace) != static_cast<ssize_t>(sizeof before)) return 0;
  const std::uint32_t now = before + 1;
  return pwrite(file_, &now, sizeof now, kPlace) == static_cast<ssize_t>(sizeof now) ? before : 0;
}

void AbandonedRecorder::forget_crash() {
  constexpr auto kTaken = static_cast<std::uint32_t>(CrashState::kTaken);
  constexpr off_t kPlace = kCrashAt + offsetof(CrashBlock, state);
  if (pwrite(file_, &kTaken, sizeof kTaken, kPlace) != static_cast<ssize_t>(sizeof kTaken)) {
    // Then the next reader sends it again, under the same id: the server knows it.
  }
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
