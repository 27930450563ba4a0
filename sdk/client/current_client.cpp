#include "sdk/client/current_client.h"

#include <cstdlib>
#include <mutex>
#include <utility>

#include <pthread.h>

namespace trapline::sdk {
namespace {

constexpr std::chrono::milliseconds kExitTimeout{2'000};

struct Holder {
  std::mutex mutex;
  std::shared_ptr<Client> client;  ///< guarded by mutex
};

/// Never destroyed: captures may come while statics are being destroyed.
Holder& holder() {
  static auto* const kHolder = new Holder;
  return *kHolder;
}

/// In the child of a fork the worker thread is gone, and locks may be held by threads that are: its client is let go of
/// without being destroyed, and the child may make one of its own.
void forget_in_child() {
  Holder& state = holder();
  new std::shared_ptr<Client>(std::move(state.client));  // NOLINT(bugprone-unused-raii): left on purpose, see above
  state.client.reset();
  state.mutex.unlock();
}

/// Once a process: what ends or forks it.
void register_with_process() {
  static const bool kIsRegistered = [] {
    pthread_atfork([] { holder().mutex.lock(); }, [] { holder().mutex.unlock(); }, forget_in_child);
    std::atexit([] {
      if (const auto client = remove_current_client()) client->stop(kExitTimeout);
    });
    return true;
  }();
  static_cast<void>(kIsRegistered);
}

}  // namespace

std::shared_ptr<Client> current_client() {
  Holder& state = holder();
  const std::lock_guard lock(state.mutex);
  return state.client;
}

bool set_current_client(std::shared_ptr<Client> client) {
  register_with_process();
  Holder& state = holder();
  const std::lock_guard lock(state.mutex);
  if (state.client) return false;
  state.client = std::move(client);
  return true;
}

std::shared_ptr<Client> remove_current_client() {
  Holder& state = holder();
  const std::lock_guard lock(state.mutex);
  return std::exchange(state.client, nullptr);
}

}  // namespace trapline::sdk
