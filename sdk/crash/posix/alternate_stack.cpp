#include "sdk/crash/alternate_stack.h"

#include <csignal>
#include <cstddef>
#include <cstdint>

#include <pthread.h>
#include <sys/mman.h>

namespace trapline::sdk {
namespace {

constexpr std::size_t kStackBytes = std::size_t{64} << 10;
constexpr std::size_t kGuardBytes = std::size_t{4} << 10;

/// When a thread ends. Its value is the whole mapping.
void take_back(void* mapping) {
  stack_t current{};
  const bool is_ours =
      sigaltstack(nullptr, &current) == 0 && current.ss_sp == static_cast<std::byte*>(mapping) + kGuardBytes;
  if (is_ours) {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    if (sigaltstack(&none, nullptr) != 0) return;  // it is in use: rather leaked than pulled away
  }
  munmap(mapping, kGuardBytes + kStackBytes);
}

/// A key of the system's instead of a thread_local object: it does not need the C++ library at a thread's end.
pthread_key_t* key() {
  static pthread_key_t value;
  static const bool kIsMade = pthread_key_create(&value, take_back) == 0;
  return kIsMade ? &value : nullptr;
}

}  // namespace

bool give_alternate_stack() {
  stack_t current{};
  if (sigaltstack(nullptr, &current) == 0 && (current.ss_flags & SS_DISABLE) == 0) return true;
  const pthread_key_t* const owner = key();
  if (owner == nullptr) return false;
  void* const mapping = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return false;
  stack_t stack{};
  stack.ss_sp = static_cast<std::byte*>(mapping) + kGuardBytes;
  stack.ss_size = kStackBytes;
  if (mprotect(mapping, kGuardBytes, PROT_NONE) == 0 && pthread_setspecific(*owner, mapping) == 0) {
    if (sigaltstack(&stack, nullptr) == 0) return true;
    pthread_setspecific(*owner, nullptr);
  }
  munmap(mapping, kGuardBytes + kStackBytes);
  return false;
}

}  // namespace trapline::sdk
