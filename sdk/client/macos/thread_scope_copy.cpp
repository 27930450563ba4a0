/// A crash is written by a thread of its own (crash/macos/exception_thread.h), which cannot read another thread's
/// thread-local variables: each thread's scopes are listed here.

#include "sdk/client/thread_scope_copy.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>

#include "sdk/client/scope.h"
#include "sdk/core/this_thread.h"
#include "sdk/crash/macos/crash_site.h"

namespace trapline::sdk {
namespace {

struct Shown {
  std::atomic<std::uint64_t> thread{0};  ///< 0: free
  std::atomic<const ThreadScopes*> scopes{nullptr};
};

/// Of more threads than these the scopes are not in a crash's report.
constexpr std::size_t kMostThreads = 1'024;
constinit std::array<Shown, kMostThreads> all_shown;

Shown* take_entry(std::uint64_t thread) {
  for (std::size_t tries = 0; tries < kMostThreads; ++tries) {
    Shown& entry = all_shown[(thread + tries) % kMostThreads];
    std::uint64_t nobody = 0;
    if (entry.thread.compare_exchange_strong(nobody, thread) || nobody == thread) return &entry;
  }
  return nullptr;
}

}  // namespace

void show_thread_scopes(const ThreadScopes* scopes) {
  thread_local Shown* own = nullptr;
  if (own == nullptr && scopes != nullptr) own = take_entry(core::this_thread::id());
  if (own == nullptr) return;
  own->scopes.store(scopes, std::memory_order_release);
  if (scopes != nullptr) return;
  own->thread.store(0, std::memory_order_release);
  own = nullptr;
}

std::size_t copy_thread_scopes(char* to, std::size_t room) {
  const std::uint64_t crashed = crash_site().crashed_thread.load();
  const ThreadScopes* scopes = nullptr;
  for (const Shown& entry : all_shown) {
    if (crashed != 0 && entry.thread.load() == crashed) scopes = entry.scopes.load(std::memory_order_acquire);
  }
  if (scopes == nullptr) return 0;
  std::size_t written = 0;
  for (std::size_t level = 0; level < scopes->depth(); ++level) {
    const std::string_view row = scopes->row(level);
    if (written + row.size() > room) break;
    std::memcpy(to + written, row.data(), row.size());
    written += row.size();
  }
  return written;
}

}  // namespace trapline::sdk
