#include "collector/ingest/spool.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <filesystem>
#include <limits>
#include <mutex>
#include <optional>
#include <span>
#include <system_error>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "collector/ingest/segment_file.h"
#include "collector/ingest/spool_backlog.h"
#include "sdk/core/checksum.h"
#include "sdk/core/hex.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;
using core::Status;

/// One commit takes at most this much, so that the first in line do not wait for a crowd behind them.
constexpr std::size_t kMostBytesPerCommit = std::size_t{16} << 20;
/// What is handed out at once, at most.
constexpr std::size_t kMostBytesPerRun = std::size_t{8} << 20;
constexpr std::chrono::seconds kDiskLookInterval{1};
/// How often a record is read that the disk does not give back, before it is given up.
constexpr int kMostReads = 5;
constexpr std::chrono::milliseconds kReadPause{200};
constexpr std::chrono::milliseconds kLeastPatience{100};
constexpr std::uint64_t kPositionSeed = 0x504F'5349'5449'4F4EULL;

/// Where reading goes on after a restart. Written without waiting for the disk: what is read twice for the lack of it
/// is stored already, and storing it again changes nothing.
class PositionFile {
 public:
  explicit PositionFile(const std::string& path) : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {}
  ~PositionFile() {
    if (file_ >= 0) close(file_);
  }
  PositionFile(const PositionFile&) = delete;
  PositionFile& operator=(const PositionFile&) = delete;

  /// 0 when there is none.
  [[nodiscard]] std::int64_t read() const {
    Content content{};
    const bool is_whole = pread(file_, &content, sizeof content, 0) == static_cast<ssize_t>(sizeof content) &&
                          content.checksum == checksum_of(content.sequence);
    return is_whole ? content.sequence : 0;
  }
  void write(std::int64_t sequence) const {
    const Content content{sequence, checksum_of(sequence)};
    static_cast<void>(pwrite(file_, &content, sizeof content, 0));
  }

 private:
  struct Content {
    std::int64_t sequence;
    std::uint64_t checksum;
  };
  static std::uint64_t checksum_of(std::int64_t sequence) {
    return core::fast_checksum(&sequence, sizeof sequence, kPositionSeed);
  }
  int file_;
};

/// A request that waits to be on disk, on its caller's stack.
struct Waiting {
  std::string record;
  SpooledParts parts;  ///< numbered from 0 until the commit
  RecordPlace place;
  std::condition_variable changed;
  bool is_leader = false;         ///< it is this one's turn to commit
  std::optional<Status> outcome;  ///< set when the commit is done
};

class SegmentSpool final : public Spool {
 public:
  SegmentSpool(std::string folder, SpoolOptions options)
      : folder_(std::move(folder)),
        options_(std::move(options)),
        position_(folder_ + "/position"),
        backlog_(options_.memory_bytes) {}

  /// Reads what is there.
  Status recover() {
    const auto paths = list_segments(folder_);
    if (!paths) return paths.error();
    key_ = load_spool_key(folder_, *paths);
    written_position_ = position_.read();
    next_sequence_ = std::max<std::int64_t>(1, written_position_);
    std::vector<RecoveredSegment> segments;
    for (const std::string& path : *paths) {
      const bool is_last = path == paths->back();
      if (auto segment = open_segment(path, is_last)) segments.push_back(std::move(*segment));
    }
    for (std::size_t index = 0; index < segments.size(); ++index) {
      const bool is_last = index + 1 == segments.size();
      if (Status status = recover_segment(segments[index], is_last, index == 0); !status) return status;
    }
    return remove_files(backlog_.release({}));
  }

  Status admit(std::size_t bytes) override {
    std::unique_lock lock(mutex_);
    return admit_locked(bytes, lock);
  }

  Status check_disk() override {
    std::unique_lock lock(mutex_);
    return check_disk_locked(lock);
  }

  Status append(SpooledRequest request, std::string_view body) override {
    Waiting waiting;
    waiting.record = begin_record(encoded_size(request, body));
    encode_request(request, body, waiting.record);
    if (waiting.record.size() > std::numeric_limits<std::uint32_t>::max()) {
      return Error{"storage", "the request is too large for the spool"};
    }
    waiting.parts = split_request(std::move(request), 0);
    waiting.place.events = static_cast<std::uint32_t>(waiting.parts.events.size());
    waiting.place.parts = waiting.place.events + static_cast<std::uint32_t>(waiting.parts.items.size());
    finish_record(waiting.record, waiting.place.parts, waiting.place.events);

    std::unique_lock lock(mutex_);
    if (Status status = admit_locked(waiting.record.size(), lock); !status) return status;
    // Counted before it is written, so that many at once do not pass the limit together.
    pending_bytes_ += waiting.record.size();
    waiting_.push_back(&waiting);
    if (!is_committing_) {
      is_committing_ = true;
      waiting.is_leader = true;
    }
    waiting.changed.wait(lock, [&] { return waiting.is_leader || waiting.outcome.has_value(); });
    if (!waiting.outcome) lead(lock);
    return *waiting.outcome;
  }

  Result<std::vector<SpooledEvent>> claim_events(std::size_t max_events) override {
    std::unique_lock lock(mutex_);
    if (!wait_until_loaded(lock, true, max_events)) return std::vector<SpooledEvent>{};
    auto events = backlog_.take_events(max_events, kMostBytesPerRun);
    if (backlog_.has_room()) arrived_.notify_all();  // who waits for items could not load for lack of it
    return events;
  }

  Result<std::vector<SpooledItem>> claim_items(std::size_t max_items) override {
    std::unique_lock lock(mutex_);
    if (!wait_until_loaded(lock, false, max_items)) return std::vector<SpooledItem>{};
    return backlog_.take_items(max_items, kMostBytesPerRun);
  }

  Status release(std::span<const std::int64_t> sequences) override {
    std::unique_lock lock(mutex_);
    auto done = backlog_.release(sequences);
    if (must_begin_anew()) {
      for (auto& file : begin_anew(lock)) done.push_back(std::move(file));
    }
    return forget(done, lock);
  }

  void stop() override {
    {
      const std::lock_guard lock(mutex_);
      is_stopped_ = true;
    }
    arrived_.notify_all();
  }

  [[nodiscard]] std::string name() const override {
    const std::uint64_t hash = keyed_hash(key_, "name", 4);
    return core::to_hex(std::as_bytes(std::span(&hash, 1)));
  }

  [[nodiscard]] std::int64_t size() const override {
    const std::lock_guard lock(mutex_);
    return backlog_.waiting_events();
  }

  [[nodiscard]] SpoolCounts counts() const override {
    const std::lock_guard lock(mutex_);
    return {backlog_.waiting_events(),
            backlog_.waiting_items(),
            backlog_.bytes(),
            damaged_parts_,
            damaged_files_,
            torn_bytes_};
  }

 private:
  struct RecoveredSegment {
    std::shared_ptr<SegmentFile> file;
    SegmentFile::Scan scan;
  };

  /// Nothing when the file is of no use: it is set aside then, and what its sequence numbers stood for is missing.
  std::optional<RecoveredSegment> open_segment(const std::string& path, bool is_last) {
    std::error_code error;
    if (is_last && std::filesystem::file_size(path, error) < sizeof(FileHead) && !error) {
      // The machine went down when it was made: a file whose head was never written holds nothing.
      std::filesystem::remove(path, error);
      return std::nullopt;
    }
    auto opened = SegmentFile::open(path, key_);
    auto scan = opened ? (*opened)->scan() : Result<SegmentFile::Scan>(opened.error());
    // A copy under another name holds what is here already, and its name would move the numbers on.
    const bool is_copy =
        scan && !scan->records.empty() && scan->records.front().first_sequence < (*opened)->first_sequence();
    const bool is_usable = scan && !is_copy && (scan->has_head || !scan->records.empty());
    if (is_usable) {
      if (!scan->has_head) options_.on_damage("the first bytes of " + path + " are damaged, the rest of it is used");
      return RecoveredSegment{std::move(*opened), std::move(*scan)};
    }
    ++damaged_files_;
    const Status aside = set_aside(path);
    options_.on_damage(
        "the spool cannot use " + path +
        (scan ? ": what is in it is not of this spool, or of another file" : ": " + scan.error().message) +
        (aside ? "; it is called *.damaged now" : "; " + aside.error().message));
    return std::nullopt;
  }

  Status recover_segment(const RecoveredSegment& segment, bool is_last, bool is_first) {
    const auto& [file, scan] = segment;
    if (is_last && scan.has_head && scan.torn_bytes > 0) {
      torn_bytes_ += scan.torn_bytes;
      if (Status status = file->truncate_to(file->size() - scan.torn_bytes); !status) return status;
    }
    // Nobody writes behind a head that is damaged.
    if (is_last) is_active_unusable_ = !scan.has_head;
    // What stood before the first file was released: files are deleted from the front.
    if (is_first) next_sequence_ = std::max(next_sequence_, file->first_sequence());
    note_gap(file->first_sequence());
    add_segment(file);
    for (const RecordPlace& place : scan.records) {
      if (place.end_sequence() <= next_sequence_) continue;  // released, or read already in a copy of the file
      note_gap(place.first_sequence);
      next_sequence_ = place.end_sequence();
      backlog_.add_record(place, std::nullopt);
    }
    return {};
  }

  /// Counts the parts before `sequence` that should be here and are not.
  void note_gap(std::int64_t sequence) {
    if (sequence <= next_sequence_) return;
    const auto missing = static_cast<std::uint64_t>(sequence - next_sequence_);
    damaged_parts_ += missing;
    options_.on_damage(std::to_string(missing) + " accepted events or items are missing from the spool, from number " +
                       std::to_string(next_sequence_) + " on: the disk has lost or changed them");
    next_sequence_ = sequence;
  }

  Status admit_locked(std::size_t bytes, std::unique_lock<std::mutex>& lock) {
    if (backlog_.bytes() + pending_bytes_ + bytes > options_.max_bytes) {
      return Error{"spool_full", "the collector has taken in more than it can store and takes nothing more for now"};
    }
    if (backlog_.waiting_events() >= options_.max_events) {
      return Error{"spool_full", "more events wait to be stored than the collector lets wait"};
    }
    return check_disk_locked(lock);
  }

  Status check_disk_locked(std::unique_lock<std::mutex>& lock) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= next_disk_look_ || !is_disk_free_) {
      next_disk_look_ = now + kDiskLookInterval;
      lock.unlock();
      const bool is_free = options_.free_bytes(folder_) >= options_.min_free_bytes;
      lock.lock();
      is_disk_free_ = is_free;
    }
    if (!is_disk_free_) return Error{"disk_full", "the collector's disk is nearly full, it takes nothing in for now"};
    return {};
  }

  /// Commits what waits, and hands the lead over to the next that waits, if any. With the lock held.
  void lead(std::unique_lock<std::mutex>& lock) {
    const std::int64_t first_sequence = next_sequence_;
    const std::vector<Waiting*> group = take_group();
    const std::shared_ptr<SegmentFile> active = backlog_.active();
    lock.unlock();
    const Written written = write(group, active);
    lock.lock();
    if (written.file != active) add_segment(written.file);
    // Numbers that may stand in a file are not given again; others are, so that the numbers have no gaps.
    if (!written.status && !written.may_be_on_disk) next_sequence_ = first_sequence;
    for (Waiting* const waiting : group) {
      pending_bytes_ -= waiting->record.size();
      if (written.status) {
        for (SpooledEvent& event : waiting->parts.events) event.sequence += waiting->place.first_sequence;
        for (SpooledItem& item : waiting->parts.items) item.sequence += waiting->place.first_sequence;
        backlog_.add_record(waiting->place, std::move(waiting->parts));
      }
      waiting->outcome = written.status;
      waiting->changed.notify_one();
    }
    if (written.status) arrived_.notify_all();
    pass_lead();
  }

  /// To the first that waits, if any. With the lock held.
  void pass_lead() {
    is_committing_ = !waiting_.empty();
    if (waiting_.empty()) return;
    waiting_.front()->is_leader = true;
    waiting_.front()->changed.notify_one();
  }

  void add_segment(const std::shared_ptr<SegmentFile>& file) {
    backlog_.add_segment(file);
    begun_at_ = std::chrono::steady_clock::now();
  }

  /// Whether what stands in the file that is written to is of no use any more, and has been there for long enough.
  [[nodiscard]] bool must_begin_anew() const {
    return !is_committing_ && backlog_.is_done() &&
           std::chrono::steady_clock::now() - begun_at_ >= options_.keep_released;
  }

  /// As the one who leads, so that nobody commits meanwhile. Answers files to be deleted: none when there is no room
  /// for a new one. With the lock held, which it lets go of.
  std::vector<std::shared_ptr<SegmentFile>> begin_anew(std::unique_lock<std::mutex>& lock) {
    is_committing_ = true;
    const std::int64_t first_sequence = next_sequence_;
    lock.unlock();
    auto next = SegmentFile::create(folder_, first_sequence, key_);
    lock.lock();
    begun_at_ = std::chrono::steady_clock::now();  // also of one that could not be made: not again at once
    std::vector<std::shared_ptr<SegmentFile>> done;
    if (next) {
      add_segment(std::move(*next));
      is_active_unusable_ = false;
      done = backlog_.release({});
    }
    pass_lead();
    return done;
  }

  /// The requests first in line, as many as one commit takes, with their sequence numbers. With the lock held.
  std::vector<Waiting*> take_group() {
    std::size_t bytes = 0;
    std::vector<Waiting*> group;
    while (!waiting_.empty() && (group.empty() || bytes + waiting_.front()->record.size() <= kMostBytesPerCommit)) {
      Waiting* const waiting = waiting_.front();
      waiting_.pop_front();
      bytes += waiting->record.size();
      waiting->place.first_sequence = next_sequence_;
      next_sequence_ += waiting->place.parts;
      group.push_back(waiting);
    }
    return group;
  }

  struct Written {
    std::shared_ptr<SegmentFile> file;  ///< the one to go on with, whether or not the group is in it
    Status status;
    bool may_be_on_disk = false;
  };

  /// Puts a group on disk. Only the leader, without the lock. `file` is null when there is none yet.
  Written write(const std::vector<Waiting*>& group, std::shared_ptr<SegmentFile> file) {
    if (!file || file->size() >= options_.segment_bytes || is_active_unusable_) {
      auto next = SegmentFile::create(folder_, group.front()->place.first_sequence, key_);
      if (!next) return {file, next.error()};
      file = std::move(*next);
      is_active_unusable_ = false;
    }
    std::vector<std::string_view> records;
    records.reserve(group.size());
    std::uint64_t offset = file->size();
    for (Waiting* const waiting : group) {
      seal_record(waiting->record, waiting->place.first_sequence, key_);
      waiting->place.offset = offset;
      waiting->place.body_bytes = static_cast<std::uint32_t>(waiting->record.size() - kRecordHeadBytes);
      offset += waiting->record.size();
      records.emplace_back(waiting->record);
    }
    const Status status = file->append(records);
    if (status) return {file, {}};
    is_active_unusable_ = status.error().code == "segment_unusable";
    return {file, is_active_unusable_ ? Error{"storage", status.error().message} : status.error(), is_active_unusable_};
  }

  /// Waits until events (or else items) are in memory, and reads on until there are `wanted` of them or no more; false
  /// when stop() was called. Of several that wait, one reads from the disk, without the lock.
  bool wait_until_loaded(std::unique_lock<std::mutex>& lock, bool wants_events, std::size_t wanted) {
    while (!is_stopped_) {
      const std::size_t loaded = wants_events ? backlog_.loaded_events() : backlog_.loaded_items();
      const auto next = backlog_.next_unloaded();
      const bool can_load = next && !is_loading_;
      if (loaded > 0 && !(can_load && loaded < wanted && backlog_.has_room())) return true;
      // Without room, items wait until the events that fill it are taken; events must not wait for items.
      if (!can_load || (!wants_events && !backlog_.has_room())) {
        const auto patience = std::max(options_.keep_released, kLeastPatience);
        const bool is_idle = arrived_.wait_for(lock, patience) == std::cv_status::timeout;
        if (is_idle && must_begin_anew()) {
          static_cast<void>(forget(begin_anew(lock), lock));
          lock.lock();
        }
        continue;
      }
      is_loading_ = true;
      lock.unlock();
      auto parts = read_parts_of(*next);
      lock.lock();
      if (parts) {
        backlog_.load(next->place, std::move(*parts));
        failed_reads_ = 0;
      } else if (parts.error().code == "storage" && ++failed_reads_ < kMostReads) {
        arrived_.wait_for(lock, kReadPause, [&] { return is_stopped_; });  // perhaps it can be read in a moment
      } else {
        failed_reads_ = 0;
        damaged_parts_ += next->place.parts;
        next->file->set_damaged();
        backlog_.drop(next->place);
        options_.on_damage(std::to_string(next->place.parts) +
                           " accepted events or items are lost: " + parts.error().message);
      }
      is_loading_ = false;
      arrived_.notify_all();
    }
    return false;
  }

  static Result<SpooledParts> read_parts_of(const SpoolBacklog::Unloaded& record) {
    const auto body = record.file->read_body(record.place);
    if (!body) return body.error();
    auto request = decode_request(*body);
    if (!request) return request.error();
    return split_request(std::move(*request), record.place.first_sequence);
  }

  /// After a release: remembers the position and deletes files without the lock.
  Status forget(const std::vector<std::shared_ptr<SegmentFile>>& files, std::unique_lock<std::mutex>& lock) {
    const std::int64_t position = backlog_.first_unreleased();
    if (position > written_position_) {
      written_position_ = position;
      position_.write(position);
    }
    arrived_.notify_all();
    lock.unlock();
    return remove_files(files);
  }

  static Status remove_files(const std::vector<std::shared_ptr<SegmentFile>>& files) {
    Status status;
    for (const auto& file : files) {
      if (Status removed = file->remove(); !removed) status = removed;
    }
    return status;
  }

  const std::string folder_;
  const SpoolOptions options_;
  PositionFile position_;
  SpoolKey key_{};
  bool is_active_unusable_ = false;  ///< only the leader

  mutable std::mutex mutex_;
  std::condition_variable arrived_;  ///< events, items, or room for them
  SpoolBacklog backlog_;             ///< guarded by mutex_, as all below
  std::deque<Waiting*> waiting_;
  std::uint64_t pending_bytes_ = 0;
  std::int64_t next_sequence_ = 1;
  std::int64_t written_position_ = 0;
  std::uint64_t damaged_parts_ = 0;
  std::uint64_t damaged_files_ = 0;
  int failed_reads_ = 0;  ///< of the next record, one after the other
  std::uint64_t torn_bytes_ = 0;
  std::chrono::steady_clock::time_point next_disk_look_;
  std::chrono::steady_clock::time_point begun_at_;  ///< when the file was made, or opened, that is written to
  bool is_disk_free_ = true;
  bool is_committing_ = false;
  bool is_loading_ = false;
  bool is_stopped_ = false;
};

}  // namespace

std::uint64_t free_disk_bytes(const std::string& folder) {
  struct statvfs facts {};
  // A file system that cannot be asked is found out about by the write itself.
  if (statvfs(folder.c_str(), &facts) != 0) return std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
}

Result<std::unique_ptr<Spool>> Spool::open(const std::string& folder, SpoolOptions options) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Error{"storage", "the spool cannot make its folder " + folder + ": " + error.message()};
  // A quarter of the whole at most: a file is deleted only when all of it is released.
  options.segment_bytes = std::min(options.segment_bytes, std::max<std::uint64_t>(options.max_bytes / 4, 1));
  auto spool = std::make_unique<SegmentSpool>(folder, std::move(options));
  if (Status status = spool->recover(); !status) return status.error();
  return std::unique_ptr<Spool>(std::move(spool));
}

}  // namespace trapline::collector
