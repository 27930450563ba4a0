#include "collector/storage/sql/byte_budget.h"

#include <algorithm>

namespace trapline::collector::sql {
namespace {

constexpr std::chrono::seconds kMeasureInterval{1};
/// Percent of the limit above which only the first event of each group is kept, and above which none is.
constexpr std::int64_t kFirstOnlyAbove = 101;
constexpr std::int64_t kNoneAbove = 102;
/// Of ids. A batch that is digested once more after a kill has fewer than the fewest.
constexpr std::int64_t kPercentOfIds = 1;
constexpr std::int64_t kBytesOfId = 64;
constexpr std::int64_t kFewestIds = 5'000;
constexpr UnixMillis kNotedEvery = 100;

}  // namespace

void ByteBudget::look(std::int64_t most_bytes, bool at_once, const std::function<std::int64_t()>& measure) {
  const auto now = std::chrono::steady_clock::now();
  if (!at_once && most_bytes == limit_ && now - measured_at_ < kMeasureInterval) return;
  // What is settled is measured. What is settled meanwhile may be, and is reckoned with once more.
  const std::int64_t before = settled_;
  used_ = measure();
  measured_at_ = now;
  limit_ = most_bytes;
  const std::int64_t percent = std::min(limit_, kNoLimit / 2) / 100;
  until_ = limit_ > 0 ? before + percent * kFirstOnlyAbove - used_ : kNoLimit;
  first_until_ = limit_ > 0 ? before + percent * kNoneAbove - used_ : kNoLimit;
  most_ids_ = share() > 1 ? std::max(percent * kPercentOfIds / kBytesOfId, kFewestIds) : kNoLimit;
}

void ByteBudget::noted_ids(std::int64_t count, UnixMillis now) {
  if (noted_.empty() || now >= noted_.back().first + kNotedEvery) noted_.emplace_back(now, ids_);
  ids_ += count;
  const std::int64_t most = most_ids_;
  for (; noted_.size() > 1; noted_.pop_front()) {
    const auto& [time, ids_then] = noted_[1];
    const bool is_too_old = time <= now - kIdsKept;
    if (!is_too_old && ids_ - ids_then <= most) break;
    if (most != kNoLimit) ids_kept_from_ = time;
  }
}

}  // namespace trapline::collector::sql
