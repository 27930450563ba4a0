#include "sdk/delivery/sender.h"

#include <algorithm>
#include <random>
#include <utility>

#include <nlohmann/json.hpp>
#include <pthread.h>

#include "sdk/core/gzip.h"
#include "sdk/delivery/retry_policy.h"

namespace trapline::sdk {
namespace {

std::vector<std::string> request_headers(const core::Dsn& dsn) {
  const std::string client = std::string("trapline.native/") + TRAPLINE_VERSION;
  return {"Content-Type: application/x-ndjson", "Content-Encoding: gzip",
          "Expect:",  // no waiting for "100 Continue"
          "User-Agent: " + client,
          "X-Sentry-Auth: Sentry sentry_version=7, sentry_client=" + client + ", sentry_key=" + dsn.public_key};
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += line;
    text += '\n';
  }
  return text;
}

/// How many events of a batch the collector names as rejected; it took the others.
std::size_t count_rejected(const HttpAnswer& answer, std::size_t batch_size, const Sender::Report& report) {
  const nlohmann::json body = nlohmann::json::parse(answer.body, nullptr, false);
  if (!body.is_object() || !body.contains("rejected") || !body["rejected"].is_array()) return 0;
  for (const auto& rejected : body["rejected"]) {
    if (rejected.is_object())
      report("the collector rejected an event: " + rejected.value("message", "no reason given"));
  }
  return std::min(body["rejected"].size(), batch_size);
}

}  // namespace

Sender::Sender(const core::Dsn& dsn, std::unique_ptr<Transport> transport, Render render, Report report,
               SenderLimits limits)
    : url_(dsn.base_url() + "/v1/events"),
      headers_(request_headers(dsn)),
      transport_(std::move(transport)),
      render_(std::move(render)),
      report_(std::move(report)),
      limits_(limits) {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "trapline-worker");
}

Sender::~Sender() { stop(std::chrono::milliseconds{0}); }

bool Sender::push(core::Event event) {
  {
    const std::lock_guard lock(mutex_);
    ++counts_.captured;
    if (is_stopping_ || queue_.size() + in_flight_ >= limits_.max_queued) {
      ++(is_stopping_ ? counts_.dropped_shutdown : counts_.dropped_queue_full);
      return false;
    }
    queue_.push_back(std::move(event));
  }
  work_changed_.notify_one();
  return true;
}

bool Sender::flush(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  const std::uint64_t target = finished_ + in_flight_ + queue_.size();
  flush_through_ = std::max(flush_through_, target);
  work_changed_.notify_one();
  return events_left_.wait_for(lock, timeout, [&] { return finished_ >= target; });
}

bool Sender::stop(std::chrono::milliseconds timeout) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_stopping_) {
      is_stopping_ = true;
      stop_at_ = std::chrono::steady_clock::now() + timeout;
    }
  }
  work_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  return counts_.dropped_shutdown == 0;
}

SenderCounts Sender::counts() const {
  const std::lock_guard lock(mutex_);
  SenderCounts counts = counts_;
  counts.queued = queue_.size() + in_flight_;
  return counts;
}

bool Sender::is_time_up() const {
  const std::lock_guard lock(mutex_);
  return is_stopping_ && std::chrono::steady_clock::now() >= stop_at_;
}

void Sender::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_changed_.wait(lock, [&] { return !queue_.empty() || is_stopping_; });
    if (queue_.empty()) return;
    const std::vector<std::string> batch = gather(lock);
    deliver(lock, batch);
  }
}

/// Takes events from the queue until a batch is full or old enough. With the lock held, but for rendering.
std::vector<std::string> Sender::gather(std::unique_lock<std::mutex>& lock) {
  const Time send_at = std::chrono::steady_clock::now() + limits_.max_batch_age;
  std::vector<std::string> batch;
  std::size_t bytes = 0;
  const auto is_urgent = [&] { return is_stopping_ || flush_through_ > finished_; };
  while (batch.size() < limits_.max_batch_events && bytes < limits_.max_batch_bytes) {
    if (queue_.empty()) {
      if (is_urgent()) break;
      const bool has_more = work_changed_.wait_until(lock, send_at, [&] { return !queue_.empty() || is_urgent(); });
      if (!has_more || queue_.empty()) break;
    }
    core::Event event = std::move(queue_.front());
    queue_.pop_front();
    ++in_flight_;
    lock.unlock();
    batch.push_back(render_(event));
    bytes += batch.back().size();
    lock.lock();
  }
  return batch;
}

/// Posts a batch until it is delivered, refused, or the end has come.
void Sender::deliver(std::unique_lock<std::mutex>& lock, const std::vector<std::string>& batch) {
  lock.unlock();
  const std::string body = core::gzip(join_lines(batch), 1);
  // Spreads the retries of many clients; nothing depends on nobody guessing it.
  std::minstd_rand random{std::random_device{}()};
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  for (int attempt = 0;; ++attempt) {
    const HttpAnswer answer = transport_->post(url_, headers_, body, [this] { return is_time_up(); });
    const Verdict verdict = judge(answer);
    if (verdict == Verdict::kDelivered) {
      const std::size_t rejected = count_rejected(answer, batch.size(), report_);
      lock.lock();
      finish(rejected, &SenderCounts::rejected);
      finish(batch.size() - rejected, &SenderCounts::delivered);
      return;
    }
    const std::string reason = answer.status == 0 ? answer.error : "it answered " + std::to_string(answer.status);
    if (verdict == Verdict::kRefused) {
      report_("the collector refused a batch of " + std::to_string(batch.size()) + " events, " + reason + ": " +
              answer.body);
      lock.lock();
      finish(batch.size(), &SenderCounts::rejected);
      return;
    }
    const auto delay = retry_delay(answer, attempt, uniform(random), core::system_clock().unix_millis());
    report_("cannot reach the collector, " + reason + "; trying again in " + std::to_string(delay.count()) + " ms");
    lock.lock();
    const Time retry_at = std::chrono::steady_clock::now() + delay;
    work_changed_.wait_until(lock, retry_at, [&] { return is_stopping_; });
    // At the end there is one more try at once, and then as many as the time allows.
    const bool has_time = !is_stopping_ || std::chrono::steady_clock::now() < stop_at_;
    if (is_stopping_ && has_time && attempt > 0) {
      work_changed_.wait_until(lock,
                               std::min(stop_at_, std::chrono::steady_clock::now() + std::chrono::milliseconds{100}),
                               [] { return false; });
    }
    if (!has_time) {
      finish(batch.size(), &SenderCounts::dropped_shutdown);
      finish_queue();
      return;
    }
    lock.unlock();
  }
}

void Sender::finish(std::size_t events, std::uint64_t SenderCounts::*fate) {
  counts_.*fate += events;
  in_flight_ -= events;
  finished_ += events;
  events_left_.notify_all();
}

/// Drops what waits, as there is no time left for it.
void Sender::finish_queue() {
  const std::size_t left = queue_.size();
  queue_.clear();
  in_flight_ += left;
  finish(left, &SenderCounts::dropped_shutdown);
}

}  // namespace trapline::sdk
