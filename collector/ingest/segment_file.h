#pragma once

/// One file of the spool: records behind each other, only ever appended to.
///
///     file    "TRPLSPL1", first sequence number (8 bytes), then records
///     record  mark (8), checksum of the rest of the head (8), checksum of the body (8), first sequence number (8),
///             body length (4), parts (4), events among them (4), zero (4), body
///
/// Numbers stand as this machine writes them: a spool is emptied by the machine that filled it. The head has a checksum
/// of its own, so that a damaged body costs that record only; behind a damaged head the next record is found by its
/// mark and checksum. What stands at the end without being a whole record was being written when the machine went
/// down: nobody was told that it was taken, and it is cut off.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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
void seal_record(std::string& record, std::int64_t first_sequence);

/// Not thread-safe, except that read_body() may be called while another thread appends.
class SegmentFile {
 public:
  /// Makes the file, on disk with its name before this returns. Error: "storage".
  static core::Result<std::unique_ptr<SegmentFile>> create(const std::string& folder, std::int64_t first_sequence);

  /// Opens a file that is there. Nothing is read but its first bytes. Error: "storage", also when it is no segment.
  static core::Result<std::unique_ptr<SegmentFile>> open(const std::string& path);

  ~SegmentFile();
  SegmentFile(const SegmentFile&) = delete;
  SegmentFile& operator=(const SegmentFile&) = delete;

  /// Writes sealed records behind what is there and waits until they are on disk. After an error the file ends where it
  /// ended before. Errors: "storage"; "segment_unusable" when it could not be brought back to that state, and nothing
  /// may be appended to it any more.
  core::Status append(const std::vector<std::string_view>& records);

  struct Scan {
    std::vector<RecordPlace> records;
    std::uint64_t damaged_heads = 0;  ///< places where something that is no record stood between records
    std::uint64_t torn_bytes = 0;     ///< behind the last whole record
  };
  /// Finds the records by their heads. With `verify_last_body`, as for the file that was written last, a last record
  /// whose body is not whole counts as torn, too.
  core::Result<Scan> scan(bool verify_last_body) const;

  /// Cuts off what a scan found torn.
  core::Status truncate_to(std::uint64_t size);

  /// The record's body. Error: "damaged" when its bytes are not those that were written, "storage" when it cannot be
  /// read.
  [[nodiscard]] core::Result<std::string> read_body(const RecordPlace& place) const;

  /// Deletes the file; reading it goes on to work until this object ends.
  core::Status remove();

  [[nodiscard]] std::int64_t first_sequence() const { return first_sequence_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  SegmentFile(std::string path, int file, std::int64_t first_sequence, std::uint64_t size);

  std::string path_;
  int file_;
  std::int64_t first_sequence_;
  std::uint64_t size_;
};

/// The segments in a folder, by their first sequence numbers.
core::Result<std::vector<std::string>> list_segments(const std::string& folder);

}  // namespace trapline::collector
