#include "collector/storage/sql/byte_budget.h"

#include <algorithm>

namespace trapline::collector::sql {
namespace {

constexpr std::chrono::seconds kMeasureInterval{1};
/// Percent of the limit above which only the first event of each group is kept, and above which none is.
constexpr std::int64_t kFirstOnlyAbove = 101;
constexpr std::int64_t kNoneAbove = 102;

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
}

}  // namespace trapline::collector::sql
