#include "collector/ingest/hour_quota.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <utility>

namespace trapline::collector {
namespace {

/// A clock that is never set back. An hour ahead, so that the minutes before a machine's start have numbers, too.
std::int64_t seconds_of(const core::Clock& clock) {
  constexpr std::chrono::hours kAhead{1};
  return std::chrono::duration_cast<std::chrono::seconds>(clock.steady_now().time_since_epoch() + kAhead).count();
}

/// The machine's own clock does not outlive it: in the file, minutes are those of the wall clock.
std::int64_t wall_minute_of(const core::Clock& clock) { return clock.unix_millis() / 60'000; }

}  // namespace

void HourWindow::forget_old(std::int64_t now_minute) {
  const std::int64_t first_new = std::max(newest_minute_ + 1, now_minute - kMinutes + 1);
  for (std::int64_t minute = first_new; minute <= now_minute; ++minute) {
    std::int64_t& count = counts_[static_cast<std::size_t>(minute % kMinutes)];
    sum_ -= count;
    count = 0;
  }
  newest_minute_ = std::max(newest_minute_, now_minute);
}

std::int64_t HourWindow::room(std::int64_t limit, std::int64_t now_minute) {
  forget_old(now_minute);
  return std::max<std::int64_t>(limit - sum_, 0);
}

std::int64_t HourWindow::take(std::int64_t wanted, std::int64_t limit, std::int64_t now_minute) {
  const std::int64_t granted = std::min(room(limit, now_minute), wanted);
  counts_[static_cast<std::size_t>(newest_minute_ % kMinutes)] += granted;
  sum_ += granted;
  return granted;
}

void HourWindow::give_back(std::int64_t count) {
  // From the newest minute back: those of which it was taken may be over.
  for (std::int64_t minute = newest_minute_; count > 0 && minute > newest_minute_ - kMinutes && minute >= 0; --minute) {
    std::int64_t& taken = counts_[static_cast<std::size_t>(minute % kMinutes)];
    const std::int64_t given_back = std::min(count, taken);
    taken -= given_back;
    sum_ -= given_back;
    count -= given_back;
  }
}

int HourWindow::seconds_until_open(std::int64_t limit, std::int64_t now_seconds) {
  forget_old(now_seconds / 60);
  if (sum_ < limit) return 0;
  std::int64_t left = sum_;
  // From the oldest minute on, until enough have left.
  for (std::int64_t minute = newest_minute_ - kMinutes + 1; minute <= newest_minute_; ++minute) {
    if (minute < 0) continue;
    left -= counts_[static_cast<std::size_t>(minute % kMinutes)];
    if (left < limit) return static_cast<int>(std::max<std::int64_t>(1, (minute + kMinutes) * 60 - now_seconds));
  }
  return static_cast<int>(kMinutes * 60);
}

std::vector<HourWindow::Minute> HourWindow::minutes(std::int64_t now_minute) {
  forget_old(now_minute);
  std::vector<Minute> used;
  for (std::int64_t minute = std::max<std::int64_t>(newest_minute_ - kMinutes + 1, 0); minute <= newest_minute_;
       ++minute) {
    const std::int64_t count = counts_[static_cast<std::size_t>(minute % kMinutes)];
    if (count > 0) used.push_back({minute, count});
  }
  return used;
}

void HourWindow::restore(const Minute& past, std::int64_t now_minute) {
  forget_old(now_minute);
  if (past.count <= 0 || past.minute < 0 || past.minute > newest_minute_ || past.minute <= newest_minute_ - kMinutes) {
    return;
  }
  counts_[static_cast<std::size_t>(past.minute % kMinutes)] += past.count;
  sum_ += past.count;
}

HourQuotas::HourQuotas(const core::Clock& clock, std::string path) : clock_(clock), path_(std::move(path)) {
  if (!path_.empty()) read_file();
}

/// A line for each minute: when, how many, and of what.
void HourQuotas::read_file() {
  const std::int64_t now = seconds_of(clock_) / 60;
  const std::int64_t wall_now = wall_minute_of(clock_);
  std::ifstream file(path_);
  std::int64_t wall_minute = 0;
  std::int64_t count = 0;
  std::string name;
  while (file >> wall_minute >> count && file.ignore() && std::getline(file, name)) {
    // What was counted by a clock that has been set back since counts as of now.
    const std::int64_t age = std::max<std::int64_t>(wall_now - wall_minute, 0);
    windows_[name].restore({now - age, count}, now);
  }
}

void HourQuotas::save() {
  if (path_.empty()) return;
  std::ostringstream text;
  {
    const std::lock_guard lock(mutex_);
    if (!is_changed_) return;
    const std::int64_t now = seconds_of(clock_) / 60;
    for (auto& [name, window] : windows_) {
      for (const HourWindow::Minute& used : window.minutes(now)) {
        text << wall_minute_of(clock_) - (now - used.minute) << ' ' << used.count << ' ' << name << '\n';
      }
    }
    is_changed_ = false;
  }
  const std::string fresh = path_ + ".new";
  std::ofstream file(fresh, std::ios::trunc);
  file << text.view();
  file.close();
  if (file && std::rename(fresh.c_str(), path_.c_str()) == 0) return;
  const std::lock_guard lock(mutex_);
  is_changed_ = true;
}

HourQuotas::Grant HourQuotas::take(std::span<const Share> shares, std::int64_t wanted) {
  Grant grant{wanted, 0};
  const std::int64_t minute = seconds_of(clock_) / 60;
  const std::lock_guard lock(mutex_);
  for (std::size_t index = 0; index < shares.size(); ++index) {
    if (shares[index].limit <= 0) continue;
    const std::int64_t room = windows_[shares[index].name].room(shares[index].limit, minute);
    if (room < grant.count) grant = {room, index};
  }
  for (const Share& share : shares) {
    if (share.limit <= 0) continue;
    windows_[share.name].take(grant.count, share.limit, minute);
    note(share.name, grant.count);
  }
  return grant;
}

bool HourQuotas::take_whole(const Share& share, std::int64_t wanted) {
  if (share.limit <= 0) return true;
  const std::int64_t minute = seconds_of(clock_) / 60;
  const std::lock_guard lock(mutex_);
  HourWindow& window = windows_[share.name];
  if (window.room(share.limit, minute) < wanted) return false;
  window.take(wanted, share.limit, minute);
  note(share.name, wanted);
  return true;
}

void HourQuotas::give_back(std::span<const Share> shares, std::int64_t count) {
  const std::lock_guard lock(mutex_);
  for (const Share& share : shares) {
    if (share.limit <= 0) continue;
    windows_[share.name].give_back(count);
    note(share.name, -count);
  }
}

void HourQuotas::note(const std::string& name, std::int64_t count) {
  is_changed_ = true;
  news_[name] += count;
}

std::vector<QuotaUse> HourQuotas::take_news() {
  std::vector<QuotaUse> news;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, count] : news_) {
    if (count != 0) news.push_back({name, count});
  }
  news_.clear();
  return news;
}

void HourQuotas::add_use(std::span<const QuotaUse> of_others) {
  const std::int64_t minute = seconds_of(clock_) / 60;
  const std::lock_guard lock(mutex_);
  for (const QuotaUse& use : of_others) {
    HourWindow& window = windows_[use.name];
    if (use.count > 0) window.restore({minute, use.count}, minute);
    if (use.count < 0) window.give_back(-use.count);
    is_changed_ = true;
  }
}

int HourQuotas::seconds_until_open(std::string_view name, std::int64_t limit) {
  if (limit <= 0) return 0;
  const std::lock_guard lock(mutex_);
  return windows_[std::string(name)].seconds_until_open(limit, seconds_of(clock_));
}

}  // namespace trapline::collector
