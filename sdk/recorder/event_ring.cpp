#include "sdk/recorder/event_ring.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <thread>

#include "sdk/core/checksum.h"
#include "sdk/recorder/fields.h"

namespace trapline::sdk {
namespace {

constexpr std::uint64_t kMark = 0x7472'6170'6C69'6E65;  // "trapline"

std::uint64_t mark_of(std::uint64_t position) { return kMark ^ position; }

std::uint64_t checksum_of(std::uint64_t position, std::uint32_t length, std::uint16_t kind, std::uint16_t flags,
                          const char* payload) {
  const std::uint64_t seed = position ^ (std::uint64_t{length} << 32) ^ (std::uint64_t{kind} << 16) ^ flags;
  return core::fast_checksum(payload, length - sizeof(RecordHeader), seed);
}

}  // namespace

EventRing::Reservation EventRing::reserve(std::size_t payload_bytes) {
  if (payload_bytes > largest_payload()) return {};
  const std::uint64_t length = sizeof(RecordHeader) + padded_to_8(payload_bytes);
  // Relaxed: the compare-and-swap below decides, and nothing is read through the head.
  std::uint64_t head = control_.head.load(std::memory_order_relaxed);
  while (true) {
    const std::uint64_t to_end = capacity_ - head % capacity_;
    const std::uint64_t skipped = to_end < length ? to_end : 0;
    const std::uint64_t next = head + skipped + length;
    // Acquire: the reader has finished with the room before it moved the tail.
    const std::uint64_t tail = control_.tail.load(std::memory_order_acquire);
    if (next - tail > capacity_) {
      // Full, or for a moment only: a rewind moves the head before the tail, and clears its flag after both.
      const bool is_rewinding = control_.is_rewinding.load(std::memory_order_acquire) != 0;
      const std::uint64_t seen = head;
      head = control_.head.load(std::memory_order_acquire);
      if (is_rewinding) {
        std::this_thread::yield();
      } else if (head == seen && control_.tail.load(std::memory_order_acquire) == tail) {
        return {};
      }
      continue;
    }
    if (!control_.head.compare_exchange_weak(head, next, std::memory_order_acq_rel, std::memory_order_relaxed))
      continue;
    if (skipped >= sizeof(RecordHeader)) {
      commit({reinterpret_cast<char*>(header_at(head) + 1), head, static_cast<std::uint32_t>(skipped)},
             RecordKind::kSkip, 0);
    }
    const std::uint64_t position = head + skipped;
    return {reinterpret_cast<char*>(header_at(position) + 1), position, static_cast<std::uint32_t>(length)};
  }
}

void EventRing::commit(const Reservation& reservation, RecordKind kind, std::uint16_t flags) {
  RecordHeader* const header = header_at(reservation.position);
  header->position = reservation.position;
  header->length = reservation.length;
  header->kind = static_cast<std::uint16_t>(kind);
  header->flags = flags;
  // What is skipped has no payload worth a sum: stale bytes of an earlier lap.
  header->checksum = kind == RecordKind::kSkip ? 0
                                               : checksum_of(reservation.position, reservation.length, header->kind,
                                                             flags, reservation.payload);
  // Release: everything above is in memory before the mark says so. Sequentially consistent, so that a writer that
  // looks whether the reader sleeps, after this, and a reader that looks for records, after it said so, cannot miss
  // each other.
  header->mark.store(mark_of(reservation.position), std::memory_order_seq_cst);
}

std::optional<Record> EventRing::peek(std::uint64_t from) const {
  while (from < head()) {
    const std::uint64_t to_end = capacity_ - from % capacity_;
    if (to_end < sizeof(RecordHeader)) {
      from += to_end;
      continue;
    }
    const RecordHeader* const header = header_at(from);
    if (header->mark.load(std::memory_order_seq_cst) != mark_of(from)) return std::nullopt;
    if (header->kind == static_cast<std::uint16_t>(RecordKind::kSkip)) {
      from += header->length;
      continue;
    }
    return Record{static_cast<RecordKind>(header->kind),
                  header->flags,
                  {reinterpret_cast<const char*>(header + 1), header->length - sizeof(RecordHeader)},
                  from + header->length};
  }
  return std::nullopt;
}

void EventRing::rewind_if_empty() {
  std::uint64_t head = control_.head.load(std::memory_order_acquire);
  if (head != tail() || head % capacity_ < capacity_ / 16) return;
  const std::uint64_t front = (head / capacity_ + 1) * capacity_;
  // The flag first, so that a writer that finds the ring full because of this looks again.
  control_.is_rewinding.store(1, std::memory_order_seq_cst);
  if (control_.head.compare_exchange_strong(head, front, std::memory_order_seq_cst)) release(front);
  control_.is_rewinding.store(0, std::memory_order_seq_cst);
}

EventRingReader::EventRingReader(std::string_view memory, std::uint64_t from, std::uint64_t head)
    : memory_(memory), position_(0), head_(0) {
  // A damaged control block must neither make this look at anything twice nor count past the end of the numbers.
  constexpr std::uint64_t kHighest = std::uint64_t{1} << 62U;
  if (memory.empty() || from > kHighest || head < from) return;
  position_ = padded_to_8(from);
  head_ = std::min<std::uint64_t>(head, position_ + memory_.size());
}

std::optional<Record> EventRingReader::read_at(std::uint64_t position) const {
  const std::size_t offset = position % memory_.size();
  if (memory_.size() - offset < sizeof(RecordHeader)) return std::nullopt;
  struct Plain {
    std::uint64_t mark;
    std::uint64_t position;
    std::uint32_t length;
    std::uint16_t kind;
    std::uint16_t flags;
    std::uint64_t checksum;
  } header{};
  std::memcpy(&header, memory_.data() + offset, sizeof header);
  if (header.mark != mark_of(position) || header.position != position) return std::nullopt;
  const bool fits = header.length >= sizeof header && header.length % 8 == 0 &&
                    header.length <= memory_.size() - offset && position + header.length <= head_;
  if (!fits) return std::nullopt;
  Record record{static_cast<RecordKind>(header.kind), header.flags,
                memory_.substr(offset + sizeof header, header.length - sizeof header), position + header.length};
  if (record.kind == RecordKind::kSkip) return record;
  const bool is_whole =
      checksum_of(position, header.length, header.kind, header.flags, record.payload.data()) == header.checksum;
  return is_whole ? std::optional(record) : std::nullopt;
}

std::optional<Record> EventRingReader::next() {
  while (position_ + sizeof(RecordHeader) <= head_) {
    const auto record = read_at(position_);
    if (!record) {
      position_ += 8;
      continue;
    }
    position_ = record->next_position;
    if (record->kind != RecordKind::kSkip) return record;
  }
  return std::nullopt;
}

}  // namespace trapline::sdk
