#include "sdk/client/current_client.h"

#include <array>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

#include "sdk/client/fork_handlers.h"
#include "sdk/core/loaded_library.h"
#include "sdk/core/this_thread.h"
#include "sdk/crash/thread_stacks.h"
#include "sdk/recorder/recorder.h"

namespace trapline::sdk {
namespace {

constexpr std::chrono::milliseconds kExitTimeout{2'000};
constexpr std::chrono::milliseconds kLongestUse{2'000};

/// Threads count themselves in one of several counters, so that they do not fight for a cache line.
struct alignas(64) UserCount {
  std::atomic<std::uint32_t> users{0};
};
constexpr std::size_t kCounts = 16;

struct Holder {
  std::atomic<Client*> client{nullptr};
  std::array<UserCount, kCounts> counts;
  std::mutex mutex;
  std::shared_ptr<Client> owner;         ///< guarded by mutex
  std::atomic<Client*> parent{nullptr};  ///< in the child of a fork, before its first call: the parent's client
};

/// Never destroyed: captures may come while statics are being destroyed.
Holder& holder() {
  static auto* const kHolder = new Holder;
  return *kHolder;
}

/// So that the child finds both the holder and the scope whole.
void lock_before_fork() {
  starting_mutex().lock();
  holder().mutex.lock();
  if (holder().owner) holder().owner->lock_for_fork();
  lock_runs_before_fork();
  core::loading_mutex().lock();  // last: the worker loads SQLite with its own lock held
}
void unlock_in_parent() {
  starting_mutex().unlock();
  core::loading_mutex().unlock();
  unlock_runs_after_fork();
  if (holder().owner) holder().owner->unlock_after_fork();
  holder().mutex.unlock();
}
/// In the child the worker thread is gone, and locks may be held by threads that are: its client is let go of without
/// being destroyed.
void forget_in_child() {
  Holder& state = holder();
  core::this_thread::forget_after_fork();
  forget_stack_collection();
  for (UserCount& count : state.counts) count.users.store(0, std::memory_order_relaxed);
  if (state.owner) {
    forget_runs_after_fork();
    state.parent.store(state.owner.get(), std::memory_order_relaxed);
    Client::keep_for_ever(std::exchange(state.owner, nullptr));
  }
  state.client.store(nullptr, std::memory_order_relaxed);
  state.mutex.unlock();
  unlock_runs_after_fork();
  core::loading_mutex().unlock();
  starting_mutex().unlock();
}

/// Once a process: what ends or forks it.
void register_with_process() {
  static const bool kIsRegistered = [] {
    call_around_forks(lock_before_fork, unlock_in_parent, forget_in_child);
    std::atexit([] {
      if (const auto client = remove_current_client()) client->stop(kExitTimeout);
    });
    return true;
  }();
  static_cast<void>(kIsRegistered);
}

/// The first call in the child of a fork. Other threads of the child wait for it.
void begin_anew_in_child() {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  Client* const parent = holder().parent.load(std::memory_order_acquire);
  if (parent == nullptr) return;
  auto client = Client::create(parent->options());
  if (client) {
    (*client)->copy_state_from(*parent);
    set_current_client(std::move(*client));
  }
  holder().parent.store(nullptr, std::memory_order_release);
}

}  // namespace

ClientInUse::ClientInUse() {
  Holder& state = holder();
  if (state.parent.load(std::memory_order_relaxed) != nullptr) begin_anew_in_child();
  users_ = &state.counts[core::this_thread::id() % kCounts].users;
  // Sequentially consistent, as is the removal: either it sees this user, or this one sees that the client is gone.
  users_->fetch_add(1, std::memory_order_seq_cst);
  client_ = state.client.load(std::memory_order_seq_cst);
}

ClientInUse::~ClientInUse() { users_->fetch_sub(1, std::memory_order_release); }

std::shared_ptr<Client> current_client() {
  Holder& state = holder();
  if (state.parent.load(std::memory_order_relaxed) != nullptr) begin_anew_in_child();
  const std::lock_guard lock(state.mutex);
  return state.owner;
}

std::mutex& starting_mutex() {
  static auto* const kMutex = new std::mutex;
  return *kMutex;
}

bool set_current_client(std::shared_ptr<Client> client) {
  register_with_process();
  Holder& state = holder();
  const std::lock_guard lock(state.mutex);
  if (state.owner) return false;
  state.owner = std::move(client);
  state.client.store(state.owner.get(), std::memory_order_seq_cst);
  return true;
}

std::shared_ptr<Client> remove_current_client() {
  Holder& state = holder();
  std::shared_ptr<Client> removed;
  {
    const std::lock_guard lock(state.mutex);
    state.client.store(nullptr, std::memory_order_seq_cst);
    removed = std::exchange(state.owner, nullptr);
  }
  const auto give_up_at = std::chrono::steady_clock::now() + kLongestUse;
  for (const UserCount& count : state.counts) {
    while (count.users.load(std::memory_order_seq_cst) != 0) {
      std::this_thread::yield();
      if (std::chrono::steady_clock::now() < give_up_at) continue;
      // Somebody ends the process inside a hook: the client is left to whoever still uses it.
      Client::keep_for_ever(removed);
      return removed;
    }
  }
  return removed;
}

}  // namespace trapline::sdk
