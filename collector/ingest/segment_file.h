#pragma once

/// One file of the spool: records behind each other, only ever appended to.
///
///     name    the first sequence number, 19 digits, and ".segment"
///     file    "TRPLSPL2", the spool's key (16 bytes), checksum of the key (8), then records
///     record  mark (8), SipHash of the rest of the head under the key (8), checksum of the body (8), first sequence
///             number (8), body length (4), parts (4), events among them (4), zero (4), body
///
/// Numbers stand as this machine writes them: a spool is emptied by the machine that filled it. The head has a hash of
/// its own, so that a damaged body costs that record only; behind a damaged head the next record is found by its mark
/// and hash, wherever it begins. The key (spool_key.h) keeps strangers from writing a body that would be found as a
/// record then. What stands at the end without being a whole record was being written when the machine went down, and
/// is cut off. Sequence numbers leave no gaps, so that what is missing between records can be counted.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/ingest/spool_key.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// What a record's head takes before its body.
constexpr std::size_t kRecordHeadBytes = 48;

/// Where a record is and what its head says.
struct RecordPlace {
  std::uint64_t offset = 0;  ///< of its head in the file
  std::int64_t first_sequence = 0;
  std::uint32_t body_bytes = 0;
  std::uint32_t parts = 0;   ///< what the body holds, each with a sequence number of its own
  std::uint32_t events = 0;  ///< how many of the parts are events

  [[nodiscard]] std::uint64_t end() const { return offset + kRecordHeadBytes + body_bytes; }
  [[nodiscard]] std::int64_t end_sequence() const { return first_sequence + parts; }
};

/// A record is made in place, so that its body is copied once: begin_record(), append up to 4 GiB of body, then
/// finish_record(), which may take its time, and at last seal_record(), when the sequence number is known.
std::string begin_record(std::size_t expected_body_bytes);
void finish_record(std::string& record, std::uint32_t parts, std::uint32_t events);
void seal_record(std::string& record, std::int64_t first_sequence, const SpoolKey& key);

/// Not thread-safe, except that read_body() and set_damaged() may be called while another thread appends.
class SegmentFile {
 public:
  /// Makes the file, on disk with its name before this returns. Errors: "storage", "disk_full".
  static core::Result<std::unique_ptr<SegmentFile>> create(const std::string& folder, std::int64_t first_sequence,
                                                           const SpoolKey& key);

  /// Opens a file that is there, whatever is in it. `key` is for a file whose own is damaged. Error: "storage", also
  /// when its name is no segment's.
  static core::Result<std::unique_ptr<SegmentFile>> open(const std::string& path, const SpoolKey& key);

  ~SegmentFile();
  SegmentFile(const SegmentFile&) = delete;
  SegmentFile& operator=(const SegmentFile&) = delete;

  /// Writes sealed records behind what is there and waits until they are on disk. After an error the file ends where it
  /// ended before. Errors: "storage"; "disk_full"; "segment_unusable" when it could not be brought back to that state,
  /// and nothing may be appended to it any more.
  core::Status append(const std::vector<std::string_view>& records);

  struct Scan {
    std::vector<RecordPlace> records;
    std::uint64_t torn_bytes = 0;  ///< behind the last whole record
    bool has_head = true;          ///< the file's own first bytes are as they were written
  };
  /// Finds the records by their heads; bodies are not read.
  [[nodiscard]] core::Result<Scan> scan() const;

  /// Cuts off what a scan found torn.
  core::Status truncate_to(std::uint64_t size);

  /// The record's body. Error: "damaged" when its bytes are not those that were written, "storage" when it cannot be
  /// read.
  [[nodiscard]] core::Result<std::string> read_body(const RecordPlace& place) const;

  /// From now on remove() keeps the file under another name: somebody may be able to save what is in it.
  void set_damaged() { is_damaged_.store(true, std::memory_order_relaxed); }

  /// Deletes the file; reading it goes on to work until this object ends.
  core::Status remove();

  [[nodiscard]] std::int64_t first_sequence() const { return first_sequence_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  SegmentFile(std::string path, int file, std::int64_t first_sequence, std::uint64_t size, const SpoolKey& key);

  std::string path_;
  int file_;
  std::int64_t first_sequence_;
  std::uint64_t size_;
  SpoolKey key_;
  std::atomic<bool> is_damaged_{false};  ///< set by who reads, asked by who removes; relaxed: it orders nothing
};

/// Renames a file so that it is none of the spool's any more. Error: "storage".
core::Status set_aside(const std::string& path);

/// What is named as a segment in a folder, by name and so by first sequence number.
core::Result<std::vector<std::string>> list_segments(const std::string& folder);

}  // namespace trapline::collector
