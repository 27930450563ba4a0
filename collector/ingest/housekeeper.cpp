#include "collector/ingest/housekeeper.h"

#include <utility>

#include <pthread.h>

namespace trapline::collector {

Housekeeper::Housekeeper(std::vector<Chore> chores, std::chrono::milliseconds interval)
    : chores_(std::move(chores)), interval_(interval), thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), "trapline-chores");
}

Housekeeper::~Housekeeper() { stop(); }

void Housekeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Housekeeper::run() {
  while (true) {
    bool is_last = false;
    {
      std::unique_lock lock(mutex_);
      is_last = stopping_.wait_for(lock, interval_, [&] { return is_stopping_; });
    }
    for (const Chore& chore : chores_) chore();
    if (is_last) return;
  }
}

}  // namespace trapline::collector
