#include "sdk/stack/throw_ring.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <exception>
#include <new>

#include <cxxabi.h>
#include <pthread.h>

#include "sdk/stack/throw_hook.h"

namespace trapline::sdk {
namespace {

std::atomic<bool> is_wanted{false};
std::atomic<std::uint64_t> throws{0};  ///< so far, to know the newest

/// One throw. Its own thread writes, any reads: a reader looks at the number before and after.
struct Throw {
  std::atomic<std::uint64_t> number{0};  ///< 0: there is none, or it is being written
  std::atomic<const void*> object{nullptr};
  std::atomic<const std::type_info*> type{nullptr};
  std::atomic<std::uint32_t> count{0};
  std::array<std::atomic<std::uintptr_t>, kThrowFrames> frames{};
};

/// The last throws of a thread. Never freed, since any thread may look into it; taken over by a later thread.
struct ThrowRing {
  static constexpr std::size_t kThrows = 8;
  std::array<Throw, kThrows> entries;
  std::size_t next = 0;
  std::atomic<bool> is_taken{true};
  ThrowRing* following = nullptr;
};
std::atomic<ThrowRing*> rings{nullptr};

ThrowRing* take_ring() {
  for (ThrowRing* ring = rings.load(std::memory_order_acquire); ring != nullptr; ring = ring->following) {
    bool is_taken = false;
    if (ring->is_taken.compare_exchange_strong(is_taken, true)) return ring;
  }
  auto* const ring = new (std::nothrow) ThrowRing;
  if (ring == nullptr) return nullptr;
  ring->following = rings.load();
  while (!rings.compare_exchange_weak(ring->following, ring)) {
  }
  return ring;
}

/// Plain words of the thread's own block, there from its start: a throw may come when there is no memory left, for a
/// thread_local object's destructor, too.
[[gnu::tls_model("initial-exec")]] thread_local ThrowRing* ring_of_thread = nullptr;
[[gnu::tls_model("initial-exec")]] thread_local bool has_thread_ended = false;

/// When a thread ends, its ring is free for another.
void give_back(void* ring) {
  has_thread_ended = true;
  ring_of_thread = nullptr;
  static_cast<ThrowRing*>(ring)->is_taken.store(false);
}

ThrowRing* own_ring() {
  if (ring_of_thread != nullptr || has_thread_ended) return ring_of_thread;
  static pthread_key_t key;
  static const bool kHasKey = pthread_key_create(&key, give_back) == 0;
  ThrowRing* const ring = kHasKey ? take_ring() : nullptr;
  if (ring == nullptr) return nullptr;
  if (pthread_setspecific(key, ring) != 0) {
    ring->is_taken.store(false);
    return nullptr;
  }
  return ring_of_thread = ring;
}

}  // namespace

bool is_remembering_throws() { return is_wanted.load(std::memory_order_relaxed); }

void remember_throw(const void* object, const std::type_info* type, std::span<const std::uintptr_t> stack) {
  ThrowRing* const ring = own_ring();
  if (ring == nullptr) return;
  const std::size_t count = std::min(stack.size(), kThrowFrames);
  Throw& entry = ring->entries[ring->next++ % ThrowRing::kThrows];
  entry.number.store(0, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  entry.object.store(object, std::memory_order_relaxed);
  entry.type.store(type, std::memory_order_relaxed);
  entry.count.store(static_cast<std::uint32_t>(count), std::memory_order_relaxed);
  for (std::size_t index = 0; index < count; ++index)
    entry.frames[index].store(stack[index], std::memory_order_relaxed);
  entry.number.store(throws.fetch_add(1, std::memory_order_relaxed) + 1, std::memory_order_release);
}

void forget_throw(const void* object) {
  for (ThrowRing* ring = rings.load(std::memory_order_acquire); ring != nullptr; ring = ring->following) {
    for (Throw& entry : ring->entries) {
      const void* known = object;
      entry.object.compare_exchange_strong(known, nullptr);
    }
  }
}

void set_remembering_throws(bool wanted) { is_wanted.store(wanted, std::memory_order_relaxed); }

std::size_t find_throw_stack(const void* object, const std::type_info& type, std::span<std::uintptr_t> addresses) {
  std::uint64_t newest = 0;
  std::size_t found = 0;
  std::array<std::uintptr_t, kThrowFrames> frames;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
  for (const ThrowRing* ring = rings.load(std::memory_order_acquire); ring != nullptr; ring = ring->following) {
    for (const Throw& entry : ring->entries) {
      const std::uint64_t number = entry.number.load(std::memory_order_acquire);
      const bool is_it = number > newest && entry.object.load(std::memory_order_relaxed) == object &&
                         entry.type.load(std::memory_order_relaxed) == &type;
      if (!is_it) continue;
      const std::size_t count = std::min<std::size_t>(entry.count.load(std::memory_order_relaxed), addresses.size());
      for (std::size_t index = 0; index < count; ++index) {
        frames[index] = entry.frames[index].load(std::memory_order_relaxed);
      }
      std::atomic_thread_fence(std::memory_order_acquire);
      if (entry.number.load(std::memory_order_relaxed) != number) continue;
      newest = number;
      found = count;
      std::copy_n(frames.begin(), count, addresses.begin());
    }
  }
  return found;
}

std::size_t find_throw_stack_of_current(const char* type_name, std::span<std::uintptr_t> addresses) {
  if (!is_wanted.load(std::memory_order_relaxed)) return 0;
  const std::type_info* const type = abi::__cxa_current_exception_type();
  if (type == nullptr || std::strcmp(type->name(), type_name) != 0) return 0;
  const std::exception_ptr current = std::current_exception();
  // An exception_ptr is a pointer to the exception object, in both C++ libraries there are.
  static_assert(sizeof current == sizeof(void*));
  const void* object = nullptr;
  std::memcpy(&object, &current, sizeof object);  // NOLINT(bugprone-undefined-memory-manipulation)
  return object != nullptr && may_have_been_thrown(object) ? find_throw_stack(object, *type, addresses) : 0;
}

}  // namespace trapline::sdk
