#pragma once

/// A ring of records in memory that outlives the process. Any number of threads write at once without waiting for each
/// other: each reserves its room with one compare-and-swap, copies, and marks the record as complete. One reader takes
/// records out in order.
///
/// A writer that is killed leaves a record that is reserved and not complete. Nobody reads it: in the same process the
/// reader stops before it, and after the process's end EventRingReader passes over it.
///
/// A record, always at a multiple of 8 from the beginning of the ring:
///
///     bytes 0-7    mark: kMark XOR position once the record is complete; anything else before
///     bytes 8-15   position: bytes since the ring began, so that a record of an earlier lap is never taken for a new
///     one bytes 16-19  length of the whole record, a multiple of 8 bytes 20-23  kind and flags bytes 24-31  checksum
///     of everything after it, seeded with the bytes before it then the payload
///
/// Records do not wrap around the end: a record of kind kSkip fills what is left there.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace trapline::sdk {

/// Lies in the mapped file. Positions only grow.
struct RingControl {
  alignas(64) std::atomic<std::uint64_t> head{0};  ///< where the next record will be reserved
  alignas(64) std::atomic<std::uint64_t> tail{0};  ///< everything before it was read and may be written over
  std::atomic<std::uint32_t> is_rewinding{0};      ///< the head is ahead of the tail by more than is in use
};

struct RecordHeader {
  std::atomic<std::uint64_t> mark;
  std::uint64_t position;
  std::uint32_t length;
  std::uint16_t kind;
  std::uint16_t flags;
  std::uint64_t checksum;
};
static_assert(sizeof(RecordHeader) == 32);

enum class RecordKind : std::uint16_t { kSkip = 0, kEvent = 1, kItem = 2 };

struct Record {
  RecordKind kind = RecordKind::kSkip;
  std::uint16_t flags = 0;
  std::string_view payload;  ///< in the ring: valid until release()
  std::uint64_t next_position = 0;
};

class EventRing {
 public:
  /// `memory` has `capacity` bytes, a multiple of 8, and outlives the ring.
  EventRing(RingControl& control, char* memory, std::size_t capacity)
      : control_(control), memory_(memory), capacity_(capacity) {}

  /// Room for a record that is being written.
  struct Reservation {
    char* payload = nullptr;  ///< nullptr: the ring is full
    std::uint64_t position = 0;
    std::uint32_t length = 0;
  };

  /// Any thread; never allocates, and never waits but for the few instructions of a rewind.
  Reservation reserve(std::size_t payload_bytes);
  /// Makes the record visible. Also to whoever reads the file after this process was killed.
  void commit(const Reservation& reservation, RecordKind kind, std::uint16_t flags);

  /// The oldest complete record, if there is one that has not been released. The reader's thread only.
  std::optional<Record> peek(std::uint64_t from) const;
  /// Gives the room of everything before `position` back.
  void release(std::uint64_t position) { control_.tail.store(position, std::memory_order_release); }
  /// When everything was read: lets the next record begin at the front, so that a process that captures little touches
  /// few pages.
  void rewind_if_empty();

  [[nodiscard]] std::uint64_t tail() const { return control_.tail.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t head() const { return control_.head.load(std::memory_order_acquire); }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  /// The largest payload that may be reserved.
  [[nodiscard]] std::size_t largest_payload() const { return capacity_ / 4 - sizeof(RecordHeader); }

 private:
  [[nodiscard]] RecordHeader* header_at(std::uint64_t position) const {
    return reinterpret_cast<RecordHeader*>(memory_ + position % capacity_);
  }

  RingControl& control_;
  char* memory_;
  std::size_t capacity_;
};

/// Reads what a process that is gone left in its ring, from `from` on. Damaged bytes cost a record, never more: where a
/// record is not whole, the next one is looked for.
class EventRingReader {
 public:
  EventRingReader(std::string_view memory, std::uint64_t from, std::uint64_t head);

  std::optional<Record> next();

 private:
  [[nodiscard]] std::optional<Record> read_at(std::uint64_t position) const;

  std::string_view memory_;
  std::uint64_t position_;
  std::uint64_t head_;
};

}  // namespace trapline::sdk
