#include "collector/storage/sql/byte_budget.h"

#include <algorithm>

namespace trapline::collector::sql {
namespace {

constexpr std::chrono::seconds kMeasureInterval{1};
/// Percent of the limit above which only the first event of each group is kept, and above which none is.
constexpr std::int64_t kFirstOnlyAbove = 103;
constexpr std::int64_t kNoneAbove = 104;

}  // namespace

void ByteBudget::look(std::int64_t most_bytes, bool at_once, const std::function<std::int64_t()>& measure) {
  const auto now = std::chrono::steady_clock::now();
  if (!at_once && most_bytes == limit_ && now - measured_at_ < kMeasureInterval) return;
  used_ = measure();
  limit_ = most_bytes;
  measured_at_ = now;
  if (limit_ <= 0) {
    left_ = std::numeric_limits<std::int64_t>::max();
    return;
  }
  const std::int64_t percent = limit_ / 100;
  left_ = percent * kFirstOnlyAbove - used_;
  reserve_ = percent * kNoneAbove - std::max(used_, percent * kFirstOnlyAbove);
}

}  // namespace trapline::collector::sql
