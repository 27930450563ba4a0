#include "collector/retention_work.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <spdlog/spdlog.h>

namespace trapline::collector {
namespace {

/// In one call, while the database is above its limit.
constexpr int kMostStepsAtOnce = 50;
/// With nothing to do a look is taken each second: it is no faster that the database is measured.
constexpr int kRestsWhenIdle = 9;
/// So far above its limit, in parts of it, a database is not to get: the nearer, the less time is left to others.
constexpr double kWidestOvershoot = 0.02;
constexpr std::chrono::milliseconds kLeastPause{1};
constexpr std::chrono::seconds kRoomIsBackAfter{3};
/// Room that comes and goes from one second to the next is told of once.
constexpr std::chrono::minutes kTellsOfRoomAfter{1};

}  // namespace

RetentionWork::RetentionWork(Store& store, const RetentionPolicy& policy, ColdArchive* archive)
    : store_(store), policy_(policy), archive_(archive) {
  counts_.most_bytes = policy.most_bytes;
}

void RetentionWork::work() {
  if (rests_ > 0) {
    --rests_;
    return;
  }
  for (int steps = 0; steps < kMostStepsAtOnce; ++steps) {
    const auto step = store_.retain(archive_ != nullptr ? archive_->policy(policy_) : policy_);
    if (!step && !has_failed_) spdlog::error("old events cannot be removed yet: {}", step.error().message);
    has_failed_ = !step.ok();
    if (!step) return;
    take(*step);
    const bool archives = step->to_archive && archive_ != nullptr && !archive_->is_failing();
    if (!step->has_more && !archives) rests_ = kRestsWhenIdle;
    if (!(step->has_more || archives) || !step->is_urgent) break;
    std::this_thread::sleep_for(pause_after(*step));
  }
  tell_troubles();
}

void RetentionWork::take(const RetentionStep& step) {
  counts_.bytes_used = step.bytes_used;
  counts_.erased += step.erased;
  if (!step.news.empty()) {
    spdlog::log(step.goes_unarchived ? spdlog::level::err : spdlog::level::info, "{}", step.news);
  }
  tell_of_room(step.only_counts);
  if (archive_ != nullptr) archive_->follow(step);
}

void RetentionWork::tell_of_room(bool only_counts) {
  const auto now = std::chrono::steady_clock::now();
  counts_.only_counts = only_counts || (has_told_of_room_ && now - had_no_room_at_ < kRoomIsBackAfter);
  if (only_counts) {
    had_no_room_at_ = now;
    if (has_told_of_room_) return;
    spdlog::warn(
        "the database has reached the {} bytes that it may take, and more comes in than old events make room for: what "
        "comes is counted and not kept, but for the first event of a group; give it more with --max-database-bytes",
        policy_.most_bytes);
    has_told_of_room_ = true;
  } else if (has_told_of_room_ && now - had_no_room_at_ >= kTellsOfRoomAfter) {
    spdlog::info("events are kept again");
    has_told_of_room_ = false;
  }
}

/// Half of the time is others', and less when there is less room.
std::chrono::microseconds RetentionWork::pause_after(const RetentionStep& step) const {
  const double over = static_cast<double>(step.bytes_used) / static_cast<double>(policy_.most_bytes) - 1;
  const double share = std::clamp(1 - over / kWidestOvershoot, 0.0, 1.0);
  const auto pause = static_cast<std::int64_t>(static_cast<double>(step.held_writer.count()) * share);
  return std::max<std::chrono::microseconds>(kLeastPause, std::chrono::microseconds(pause));
}

void RetentionWork::tell_troubles() {
  const std::vector<std::string> troubles = store_.troubles();
  for (; told_troubles_ < troubles.size(); ++told_troubles_) {
    spdlog::error("{}; trapline-collector check says more", troubles[told_troubles_]);
  }
}

}  // namespace trapline::collector
