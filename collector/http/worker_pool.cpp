#include "collector/http/worker_pool.h"

#include <utility>

namespace trapline::collector {

namespace {

/// The deepest thing that runs here is SQLite, with some 50 KB. Only touched pages cost memory, so the reserve, which
/// the sanitizers' larger frames need, is free.
constexpr std::size_t kStackBytes = std::size_t{1} << 20;

}  // namespace

WorkerPool::WorkerPool(WorkerLimits limits) : limits_(limits) {}

WorkerPool::~WorkerPool() { stop(); }

bool WorkerPool::submit(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  const bool has_idle_thread = idle_ > waiting_.size();
  const bool will_run = has_idle_thread || (threads_.size() < limits_.max_threads && start_thread());
  if (!will_run && (threads_.empty() || waiting_.size() >= limits_.max_waiting)) return false;
  waiting_.push_back(std::move(task));
  if (!will_run) wanted_.add_one();
  changed_.notify_one();
  return true;
}

void WorkerPool::stop() {
  std::vector<pthread_t> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  changed_.notify_all();
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
}

void* WorkerPool::thread_main(void* pool) {
  pthread_setname_np(pthread_self(), "http-worker");
  static_cast<WorkerPool*>(pool)->run();
  return nullptr;
}

void WorkerPool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    const auto task = std::move(waiting_.front());
    waiting_.pop_front();
    // A wish for a free thread that nobody fulfilled in time is fulfilled now.
    if (waiting_.empty()) {
      while (wanted_.take_one()) {
      }
    }
    lock.unlock();
    task();
    lock.lock();
  }
}

bool WorkerPool::start_thread() {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_t thread{};
  const bool is_started = pthread_create(&thread, &attributes, &WorkerPool::thread_main, this) == 0;
  pthread_attr_destroy(&attributes);
  if (is_started) threads_.push_back(thread);
  return is_started;
}

}  // namespace trapline::collector
