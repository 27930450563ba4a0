#pragma once

/// The caller's thread's part: decides, takes the stack, copies what there is into the recorder. A few microseconds, no
/// allocation, no system call but waking the worker when it sleeps.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "sdk/client/policy.h"
#include "sdk/client/repeat_table.h"
#include "sdk/client/scope.h"
#include "sdk/client/wake_up.h"
#include "sdk/core/event.h"
#include "sdk/recorder/crash_record.h"
#include "sdk/recorder/recorder.h"

namespace trapline::sdk {

struct AttachmentView {
  std::string_view name;
  std::string_view path;  ///< a file to be read by the worker; empty: the bytes
  std::string_view bytes;
};

/// What is captured. Everything is borrowed for the call.
struct CaptureRequest {
  std::uint8_t level = 3;
  std::string_view level_name;  ///< a custom level's
  std::string_view message;
  std::string_view logger;
  std::string_view transaction;
  std::span<const core::Exception> exceptions;  ///< what was caught first, then its causes
  std::span<const std::string_view> fingerprint;
  std::span<const AttachmentView> attachments;
  const trapline_scope* scope = nullptr;
  bool is_handled = true;
  std::string_view mechanism = "generic";
  std::span<const CrashThread> threads;  ///< others of the process, with their stacks
  std::uint64_t thread_id = 0;           ///< whose error it is; 0: the calling thread's
  bool wants_stack = true;
  std::span<const std::uintptr_t> stack;  ///< when it was taken already
  const void* caller = nullptr;           ///< the return address of the function that the app called
  const void* frame = nullptr;            ///< that function's frame
};

struct CaptureResult {
  bool is_taken = false;     ///< written, or counted into another event
  Fate fate = Fate::kCount;  ///< why not, or kDeduplicated
  EventIdBytes event_id{};
};

/// Names events: unique for this process by a counter, among processes by random bits. Thread-safe, without a lock.
class EventIds {
 public:
  EventIds();
  EventIdBytes next();

 private:
  std::uint64_t high_;
  std::uint64_t low_;
  std::atomic<std::uint64_t> counter_{0};
};

/// Thread-safe.
class Capturer {
 public:
  Capturer(Recorder& recorder, const PolicyOptions& policy, const Hooks& hooks, WakeUp& wake_up);

  CaptureResult capture(const CaptureRequest& request);

  /// Writes an envelope item for the worker: `row` is one or more fields. False: no room.
  bool write_item(std::string_view row);

  /// Changes the process's scope by `change(ScopeFields&)` and answers what that answers.
  template <class Change>
  auto change_scope(Change change) {
    const std::lock_guard lock(scope_mutex_);
    const auto answer = change(scope_);
    recorder_.publish_scope(scope_.row());
    return answer;
  }
  /// False when the breadcrumb is too large.
  bool add_breadcrumb(const BreadcrumbView& breadcrumb);
  void clear_breadcrumbs();

  /// For the child of a fork: takes over what the parent's events would have carried.
  void copy_scope_from(Capturer& parent);
  void lock_for_fork();
  void unlock_after_fork() { scope_mutex_.unlock(); }

  RepeatTable& repeats() { return repeats_; }

 private:
  CaptureResult write(const CaptureRequest& request, const EventHead& head, std::span<const std::uintptr_t> stack);
  void wake_worker();

  Recorder& recorder_;
  Policy policy_;
  RepeatTable repeats_;
  EventIds ids_;
  WakeUp& wake_up_;
  std::mutex scope_mutex_;
  /// For the child of a fork: the parent goes on changing the recorder, which both have mapped.
  std::string breadcrumbs_at_fork_;
  ScopeFields scope_{kScopeBytes};  ///< guarded by scope_mutex_, as are the recorder's breadcrumbs
};

}  // namespace trapline::sdk
