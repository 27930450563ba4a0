#include "collector/http/worker_threads.h"

#include <algorithm>
#include <climits>
#include <stdexcept>
#include <utility>

namespace trapline::collector {
namespace {

/// Enough for the deepest handler (SQLite, JSON of bounded depth); memory is used only as far as it is touched.
constexpr std::size_t kStackBytes = std::size_t{1} << 20;

}  // namespace

WorkerThreads::WorkerThreads(const std::string& name, std::size_t threads, std::size_t max_waiting)
    : max_waiting_(max_waiting) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  for (std::size_t number = 0; number < threads; ++number) {
    pthread_t thread{};
    const auto start = [](void* self) -> void* {
      static_cast<WorkerThreads*>(self)->run();
      return nullptr;
    };
    if (pthread_create(&thread, &attributes, start, this) != 0) break;
    pthread_setname_np(thread, name.c_str());
    threads_.push_back(thread);
  }
  pthread_attr_destroy(&attributes);
  if (threads_.empty()) throw std::runtime_error("no thread can be started");
}

WorkerThreads::~WorkerThreads() { stop(); }

bool WorkerThreads::add(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (is_stopping_ || waiting_.size() >= max_waiting_) return false;
    waiting_.push_back(std::move(job));
  }
  changed_.notify_one();
  return true;
}

void WorkerThreads::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  for (const pthread_t thread : std::exchange(threads_, {})) pthread_join(thread, nullptr);
}

void WorkerThreads::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return !waiting_.empty() || is_stopping_; });
    if (waiting_.empty()) return;
    const Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

}  // namespace trapline::collector
