#include "collector/digest/worker_pool.h"

#include <algorithm>

#include <pthread.h>

namespace trapline::collector {
namespace {

/// Pieces taken at once: enough that the counter is no bottleneck, few enough that all end at about the same time.
constexpr std::size_t kPiecesAtOnce = 8;

}  // namespace

WorkerPool::WorkerPool(unsigned threads) {
  for (unsigned index = 1; index < threads; ++index) {
    threads_.emplace_back([this] { run(); });
    pthread_setname_np(threads_.back().native_handle(), "trapline-worker");
  }
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::for_each(std::size_t count, const std::function<void(std::size_t)>& work) {
  {
    const std::lock_guard lock(mutex_);
    work_ = &work;
    count_ = count;
    next_.store(0, std::memory_order_relaxed);  // the mutex publishes it
    busy_ = threads_.size();
    ++round_;
  }
  changed_.notify_all();
  take_pieces(work, count);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return busy_ == 0; });
}

void WorkerPool::take_pieces(const std::function<void(std::size_t)>& work, std::size_t count) {
  while (true) {
    // Relaxed: the counter only hands out numbers; results are published by the mutex at the end of the round.
    const std::size_t begin = next_.fetch_add(kPiecesAtOnce, std::memory_order_relaxed);
    if (begin >= count) return;
    for (std::size_t index = begin; index < std::min(begin + kPiecesAtOnce, count); ++index) work(index);
  }
}

void WorkerPool::run() {
  std::size_t seen_round = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return is_stopping_ || round_ != seen_round; });
    if (is_stopping_) return;
    seen_round = round_;
    const auto* const work = work_;
    const std::size_t count = count_;
    lock.unlock();
    take_pieces(*work, count);
    lock.lock();
    if (--busy_ == 0) changed_.notify_all();
  }
}

}  // namespace trapline::collector
