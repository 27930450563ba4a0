#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sdk/recorder/breadcrumb.h"

namespace trapline::sdk {

/// The last breadcrumbs, bounded by number and bytes; the oldest make room. Not thread-safe. Whoever reads the memory
/// after the process was killed finds whole breadcrumbs between begin and end: they are written before the end moves,
/// and the begin moves before they are written over.
class BreadcrumbRing {
 public:
  /// `begin` and `end` are positions that only grow; `memory` has `capacity` bytes, a multiple of 8.
  BreadcrumbRing(std::atomic<std::uint64_t>& begin, std::atomic<std::uint64_t>& end, char* memory, std::size_t capacity,
                 std::size_t max_count)
      : begin_(begin), end_(end), memory_(memory), capacity_(capacity), max_count_(max_count) {}

  /// False when it alone is too large.
  bool add(const BreadcrumbView& breadcrumb);
  void clear();

  /// Bytes that copy_to() writes.
  [[nodiscard]] std::size_t bytes() const;
  /// Copies all breadcrumbs, oldest first, as fields.
  void copy_to(char* to) const;

  /// The same for memory that another process left; calls `take(row)` with one or two rows of fields.
  template <class Take>
  static void read(std::string_view memory, std::uint64_t begin, std::uint64_t end, Take take) {
    if (memory.empty() || end < begin || end - begin > memory.size()) return;
    const std::size_t from = begin % memory.size();
    const std::size_t size = end - begin;
    const std::size_t first = size < memory.size() - from ? size : memory.size() - from;
    take(memory.substr(from, first));
    if (size > first) take(memory.substr(0, size - first));
  }

 private:
  void drop_oldest();

  std::atomic<std::uint64_t>& begin_;
  std::atomic<std::uint64_t>& end_;
  char* memory_;
  std::size_t capacity_;
  std::size_t max_count_;
  std::size_t count_ = 0;
};

}  // namespace trapline::sdk
