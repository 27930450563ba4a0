#include "sdk/recorder/breadcrumb_ring.h"

#include <algorithm>
#include <cstring>

namespace trapline::sdk {

bool BreadcrumbRing::add(const BreadcrumbView& breadcrumb) {
  const std::size_t bytes = breadcrumb_field_bytes(breadcrumb);
  if (bytes > capacity_ / 4 || max_count_ == 0) return false;
  // Only this object moves the positions, so relaxed loads see them as they are.
  std::uint64_t end = end_.load(std::memory_order_relaxed);
  const std::uint64_t to_end = capacity_ - end % capacity_;
  const std::uint64_t padding = to_end < bytes ? to_end : 0;
  while (count_ >= max_count_ ||
         (count_ > 0 && end + padding + bytes - begin_.load(std::memory_order_relaxed) > capacity_)) {
    drop_oldest();
  }
  if (padding > 0) {
    // Zeros are padding to a FieldReader when they are whole headers; shorter ends are passed over anyway.
    std::memset(memory_ + end % capacity_, 0, padding);
    end += padding;
    if (count_ == 0) begin_.store(end, std::memory_order_release);
  }
  write_breadcrumb(memory_ + end % capacity_, breadcrumb);
  // Release: the breadcrumb is whole before the end says that it is there.
  end_.store(end + bytes, std::memory_order_release);
  ++count_;
  return true;
}

void BreadcrumbRing::drop_oldest() {
  std::uint64_t begin = begin_.load(std::memory_order_relaxed);
  const std::uint64_t end = end_.load(std::memory_order_relaxed);
  const std::size_t offset = begin % capacity_;
  const std::size_t contiguous = std::min<std::size_t>(end - begin, capacity_ - offset);
  FieldReader reader({memory_ + offset, contiguous});
  if (reader.next()) {
    begin += reader.last_bytes();
  } else {
    begin += contiguous;  // padding up to the end of the memory
    const std::size_t rest = end - begin;
    FieldReader from_front({memory_, rest});
    if (from_front.next()) begin += from_front.last_bytes();
  }
  --count_;
  if (count_ == 0) begin = end;
  begin_.store(begin, std::memory_order_release);
}

void BreadcrumbRing::clear() {
  begin_.store(end_.load(std::memory_order_relaxed), std::memory_order_release);
  count_ = 0;
}

std::size_t BreadcrumbRing::bytes() const {
  return end_.load(std::memory_order_relaxed) - begin_.load(std::memory_order_relaxed);
}

void BreadcrumbRing::copy_to(char* to) const {
  read({memory_, capacity_}, begin_.load(std::memory_order_relaxed), end_.load(std::memory_order_relaxed),
       [&](std::string_view row) {
         std::memcpy(to, row.data(), row.size());
         to += row.size();
       });
}

}  // namespace trapline::sdk
