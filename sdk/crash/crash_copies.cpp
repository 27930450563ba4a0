#include "sdk/crash/crash_copies.h"

#include <algorithm>
#include <cstring>

namespace trapline::sdk {

void copy_scope(const CrashArea& area) {
  CrashBlock& block = area.block();
  const RecorderHeader& header = area.header();
  const std::uint32_t in_force = header.scope_in_force.load(std::memory_order_acquire) & 1U;
  const std::size_t length = std::min<std::size_t>(header.scope_length[in_force].load(), kScopeBytes);
  std::memcpy(area.at(kCrashScopeAt), area.at(kScopeAt + in_force * kScopeBytes), length);
  block.scope_bytes = static_cast<std::uint32_t>(length);
}

void copy_scopes_of_thread(const CrashArea& area, CopyThreadScopes copy) {
  if (copy == nullptr) return;
  area.block().thread_scope_bytes = static_cast<std::uint32_t>(copy(area.at(kCrashThreadScopeAt), kScopeBytes));
}

void copy_breadcrumbs(const CrashArea& area) {
  const RecorderHeader& header = area.header();
  // Other threads still run: what they wrote over while it was copied is copied again.
  constexpr int kTries = 3;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const std::uint64_t begin = header.breadcrumbs_begin.load(std::memory_order_acquire);
    const std::uint64_t end = header.breadcrumbs_end.load(std::memory_order_acquire);
    if (end < begin || end - begin > kBreadcrumbBytes) return;
    const std::size_t size = end - begin;
    const std::size_t from = begin % kBreadcrumbBytes;
    const std::size_t first = std::min(size, kBreadcrumbBytes - from);
    std::memcpy(area.at(kCrashBreadcrumbsAt), area.at(kBreadcrumbsAt + from), first);
    std::memcpy(area.at(kCrashBreadcrumbsAt + first), area.at(kBreadcrumbsAt), size - first);
    area.block().breadcrumb_bytes = static_cast<std::uint32_t>(size);
    if (header.breadcrumbs_begin.load(std::memory_order_acquire) == begin) return;
  }
}

}  // namespace trapline::sdk
