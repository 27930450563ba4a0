#include "sdk/client/wake_up.h"

#include <array>

#include <pthread.h>

namespace trapline::sdk {
namespace {

/// Where threads wait for words. There are as many as there are likely to be sleepers; who shares one is woken for
/// nothing now and then. The lock is held for a look at the word, never while anything is done.
struct WaitingRoom {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
};
std::array<WaitingRoom, 8> rooms;

void lock_all() {
  for (WaitingRoom& room : rooms) pthread_mutex_lock(&room.mutex);
}
void unlock_all() {
  for (WaitingRoom& room : rooms) pthread_mutex_unlock(&room.mutex);
}
/// Nobody waits in the child of a fork.
void renew_all() {
  for (WaitingRoom& room : rooms) room = WaitingRoom{};
}

WaitingRoom& room_of(const std::atomic<std::uint32_t>& word) {
  static const bool kSurvivesForks = pthread_atfork(lock_all, unlock_all, renew_all) == 0;
  static_cast<void>(kSurvivesForks);
  constexpr std::uintptr_t kCacheLine = 64;
  return rooms[reinterpret_cast<std::uintptr_t>(&word) / kCacheLine % rooms.size()];
}

}  // namespace

void WakeUp::wait_on(std::atomic<std::uint32_t>& word, std::uint32_t value, std::chrono::milliseconds at_most) {
  WaitingRoom& room = room_of(word);
  const timespec timeout{static_cast<time_t>(at_most.count() / 1'000),
                         static_cast<long>(at_most.count() % 1'000 * 1'000'000)};
  pthread_mutex_lock(&room.mutex);
  // Once: like everywhere, a wait may end for nothing.
  if (word.load(std::memory_order_seq_cst) == value) {
    pthread_cond_timedwait_relative_np(&room.changed, &room.mutex, &timeout);
  }
  pthread_mutex_unlock(&room.mutex);
}

void WakeUp::wake_one(std::atomic<std::uint32_t>& word) {
  WaitingRoom& room = room_of(word);
  // The lock: whoever has seen the old value waits by now, and hears this.
  pthread_mutex_lock(&room.mutex);
  pthread_cond_broadcast(&room.changed);
  pthread_mutex_unlock(&room.mutex);
}

}  // namespace trapline::sdk
