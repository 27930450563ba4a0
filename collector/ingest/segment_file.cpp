#include "collector/ingest/segment_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sdk/core/checksum.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;
using core::Status;

constexpr std::uint64_t kMark = 0x8D5F3A91C27E64B1ULL;
constexpr std::uint64_t kBodySeed = 0x5350'4F4F'4C42'4F44ULL;
constexpr std::string_view kExtension = ".segment";
constexpr std::size_t kSequenceDigits = 19;

struct RecordHead {
  std::uint64_t mark;
  std::uint64_t head_hash;
  std::uint64_t body_checksum;
  std::int64_t first_sequence;
  std::uint32_t body_bytes;
  std::uint32_t parts;
  std::uint32_t events;
  std::uint32_t zero;
};
static_assert(sizeof(RecordHead) == kRecordHeadBytes);

std::uint64_t head_hash(const RecordHead& head, const SpoolKey& key) {
  constexpr std::size_t kCovered = offsetof(RecordHead, body_checksum);
  return keyed_hash(key, reinterpret_cast<const char*>(&head) + kCovered, sizeof head - kCovered);
}

std::uint64_t body_checksum(std::string_view body) { return core::fast_checksum(body, kBodySeed); }

Error failure(std::string_view what, const std::string& path) {
  const bool is_full = errno == ENOSPC || errno == EDQUOT;
  return {is_full ? "disk_full" : "storage", "the spool " + std::string(what) + " " + path + ": " +
                                                 std::error_code(errno, std::generic_category()).message()};
}

/// Reads exactly `size` bytes, or fewer at the file's end.
Result<std::size_t> read_at(int file, char* to, std::size_t size, std::uint64_t offset, const std::string& path) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = pread(file, to + done, size - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure("cannot read", path);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

bool write_all(int file, std::vector<iovec>& parts, std::uint64_t offset) {
  std::size_t first = 0;
  while (first < parts.size()) {
    const int count = static_cast<int>(std::min<std::size_t>(parts.size() - first, IOV_MAX));
    ssize_t written = pwritev(file, &parts[first], count, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    offset += static_cast<std::uint64_t>(written);
    while (first < parts.size() && static_cast<std::size_t>(written) >= parts[first].iov_len) {
      written -= static_cast<ssize_t>(parts[first].iov_len);
      ++first;
    }
    if (first < parts.size()) {
      parts[first].iov_base = static_cast<char*>(parts[first].iov_base) + written;
      parts[first].iov_len -= static_cast<std::size_t>(written);
    }
  }
  return true;
}

Status sync_folder(const std::string& folder) {
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return failure("cannot open the folder", folder);
  const bool is_synced = fsync(file) == 0;
  Status status = is_synced ? Status{} : Status{failure("cannot sync the folder", folder)};
  close(file);
  return status;
}

/// Goes through a file's bytes in windows, so that a scan costs little memory whatever the file holds.
class Window {
 public:
  Window(int file, std::uint64_t file_size, const std::string& path, const SpoolKey& key)
      : file_(file), size_(file_size), path_(path), key_(key) {}

  /// The record head at `offset`, when there is a whole and right one.
  Result<std::optional<RecordHead>> head_at(std::uint64_t offset) {
    if (offset + sizeof(RecordHead) > size_) return std::optional<RecordHead>{};
    if (offset < start_ || offset + sizeof(RecordHead) > start_ + bytes_.size()) {
      bytes_.resize(kWindowBytes);
      const auto count = read_at(file_, bytes_.data(), bytes_.size(), offset, path_);
      if (!count) return count.error();
      bytes_.resize(*count);
      start_ = offset;
      if (bytes_.size() < sizeof(RecordHead)) return std::optional<RecordHead>{};
    }
    RecordHead head{};
    std::memcpy(&head, bytes_.data() + (offset - start_), sizeof head);
    const bool is_right = head.mark == kMark && head.head_hash == head_hash(head, key_) &&
                          offset + sizeof head + head.body_bytes <= size_;
    return is_right ? std::optional<RecordHead>(head) : std::optional<RecordHead>{};
  }

 private:
  static constexpr std::size_t kWindowBytes = std::size_t{64} << 10;
  int file_;
  std::uint64_t size_;
  const std::string& path_;
  const SpoolKey& key_;
  std::uint64_t start_ = 0;
  std::string bytes_;
};

/// The first sequence number in a segment's name.
std::optional<std::int64_t> sequence_of(const std::string& path) {
  const std::string name = std::filesystem::path(path).stem().string();
  std::int64_t sequence = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), sequence);
  const bool is_one = name.size() == kSequenceDigits && error == std::errc{} && end == name.data() + name.size();
  return is_one && sequence > 0 ? std::optional(sequence) : std::nullopt;
}

}  // namespace

std::string begin_record(std::size_t expected_body_bytes) {
  std::string record;
  record.reserve(sizeof(RecordHead) + expected_body_bytes);
  record.resize(sizeof(RecordHead));
  return record;
}

void finish_record(std::string& record, std::uint32_t parts, std::uint32_t events) {
  const std::string_view body = std::string_view(record).substr(sizeof(RecordHead));
  RecordHead head{};
  head.mark = kMark;
  head.body_checksum = body_checksum(body);
  head.body_bytes = static_cast<std::uint32_t>(body.size());
  head.parts = parts;
  head.events = events;
  std::memcpy(record.data(), &head, sizeof head);
}

void seal_record(std::string& record, std::int64_t first_sequence, const SpoolKey& key) {
  RecordHead head{};
  std::memcpy(&head, record.data(), sizeof head);
  head.first_sequence = first_sequence;
  head.head_hash = head_hash(head, key);
  std::memcpy(record.data(), &head, sizeof head);
}

SegmentFile::SegmentFile(std::string path, int file, std::int64_t first_sequence, std::uint64_t size,
                         const SpoolKey& key)
    : path_(std::move(path)), file_(file), first_sequence_(first_sequence), size_(size), key_(key) {}

SegmentFile::~SegmentFile() { close(file_); }

Result<std::unique_ptr<SegmentFile>> SegmentFile::create(const std::string& folder, std::int64_t first_sequence,
                                                         const SpoolKey& key) {
  std::array<char, 24> digits{};
  std::snprintf(digits.data(), digits.size(), "%019lld", static_cast<long long>(first_sequence));
  const std::string path = folder + "/" + digits.data() + std::string(kExtension);
  // Never over a file that is there, whatever it is.
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return failure("cannot make", path);
  auto segment = std::unique_ptr<SegmentFile>(new SegmentFile(path, file, first_sequence, sizeof(FileHead), key));
  FileHead head = make_file_head(key);
  std::vector<iovec> parts = {{&head, sizeof head}};
  if (!write_all(file, parts, 0) || fsync(file) != 0) {
    const Error error = failure("cannot write", path);
    unlink(path.c_str());
    return error;
  }
  if (Status status = sync_folder(folder); !status) return status.error();
  return segment;
}

Result<std::unique_ptr<SegmentFile>> SegmentFile::open(const std::string& path, const SpoolKey& key) {
  const auto sequence = sequence_of(path);
  if (!sequence) return Error{"storage", "the spool's file " + path + " is not named as its segments are"};
  // Without O_NONBLOCK a pipe of that name would hold the start up.
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return failure("cannot open", path);
  auto segment = std::unique_ptr<SegmentFile>(new SegmentFile(path, file, *sequence, 0, key));
  struct stat facts {};
  if (fstat(file, &facts) != 0) return failure("cannot look at", path);
  if (!S_ISREG(facts.st_mode)) return Error{"storage", "the spool's " + path + " is no file"};
  segment->size_ = static_cast<std::uint64_t>(facts.st_size);
  FileHead head{};
  const auto count = read_at(file, reinterpret_cast<char*>(&head), sizeof head, 0, path);
  if (count && *count == sizeof head) segment->key_ = key_of(head).value_or(key);
  return segment;
}

Status SegmentFile::append(const std::vector<std::string_view>& records) {
  std::vector<iovec> parts;
  parts.reserve(records.size());
  std::uint64_t added = 0;
  for (const std::string_view record : records) {
    parts.push_back({const_cast<char*>(record.data()), record.size()});  // pwritev does not write to it
    added += record.size();
  }
  if (!write_all(file_, parts, size_)) {
    const Error error = failure("cannot write", path_);
    const Status undone = truncate_to(size_);
    return undone ? error : Error{"segment_unusable", error.message};
  }
  if (fdatasync(file_) != 0) {
    // The kernel may have dropped the pages and forgotten the error: what a later fdatasync says of them means nothing.
    const Error error = failure("cannot sync", path_);
    static_cast<void>(truncate_to(size_));
    return Error{"segment_unusable", error.message};
  }
  size_ += added;
  return {};
}

Result<SegmentFile::Scan> SegmentFile::scan() const {
  Scan scan;
  FileHead file_head{};
  const auto count = read_at(file_, reinterpret_cast<char*>(&file_head), sizeof file_head, 0, path_);
  if (!count) return count.error();
  scan.has_head = *count == sizeof file_head && key_of(file_head) == key_;
  Window window(file_, size_, path_, key_);
  std::uint64_t offset = sizeof(FileHead);
  std::uint64_t end_of_last = std::min(offset, size_);
  while (offset + sizeof(RecordHead) <= size_) {
    const auto head = window.head_at(offset);
    if (!head) return head.error();
    if (!*head) {
      ++offset;
      continue;
    }
    const RecordHead& found = **head;
    const RecordPlace place{offset, found.first_sequence, found.body_bytes, found.parts, found.events};
    scan.records.push_back(place);
    offset = end_of_last = place.end();
  }
  scan.torn_bytes = size_ - end_of_last;
  return scan;
}

Status SegmentFile::truncate_to(std::uint64_t size) {
  if (ftruncate(file_, static_cast<off_t>(size)) != 0) return failure("cannot shorten", path_);
  size_ = size;
  return {};
}

Result<std::string> SegmentFile::read_body(const RecordPlace& place) const {
  RecordHead head{};
  auto count = read_at(file_, reinterpret_cast<char*>(&head), sizeof head, place.offset, path_);
  if (!count) return count.error();
  std::string body(place.body_bytes, '\0');
  count = read_at(file_, body.data(), body.size(), place.offset + sizeof head, path_);
  if (!count) return count.error();
  const bool is_right = *count == body.size() && head.head_hash == head_hash(head, key_) &&
                        head.body_bytes == place.body_bytes && head.body_checksum == body_checksum(body);
  if (!is_right) {
    return Error{"damaged", "the record at byte " + std::to_string(place.offset) + " of " + path_ +
                                " is not as it was written: the disk has changed it"};
  }
  return body;
}

Status SegmentFile::remove() {
  if (is_damaged_.load(std::memory_order_relaxed)) return set_aside(path_);
  const bool is_gone = unlink(path_.c_str()) == 0 || errno == ENOENT;
  return is_gone ? Status{} : Status{failure("cannot delete", path_)};
}

Status set_aside(const std::string& path) {
  return std::rename(path.c_str(), (path + ".damaged").c_str()) == 0 ? Status{}
                                                                     : Status{failure("cannot rename", path)};
}

Result<std::vector<std::string>> list_segments(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == kExtension) paths.push_back(entry.path().string());
  }
  if (error) return Error{"storage", "the spool cannot list its folder " + folder + ": " + error.message()};
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace trapline::collector
