#include "collector/ingest/refusal_log.h"

#include <utility>
#include <vector>

#include "collector/storage/time_span.h"

namespace trapline::collector {
void RefusalLog::count(ProjectId project, const std::string& reason, std::int64_t events) {
  const UnixMillis now = clock_.unix_millis();
  const std::lock_guard lock(mutex_);
  counts_[{project, start_of(now, kHourMs), reason}] += events;
}

Status RefusalLog::flush() {
  std::map<Key, std::int64_t> counts;
  {
    const std::lock_guard lock(mutex_);
    counts = std::exchange(counts_, {});
  }
  if (counts.empty()) return {};
  std::vector<RefusalCount> list;
  list.reserve(counts.size());
  for (const auto& [key, count] : counts) list.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), count});
  Status status = store_.add_refusals(list);
  if (status) return {};
  const std::lock_guard lock(mutex_);
  for (const auto& [key, count] : counts) counts_[key] += count;
  return status;
}

}  // namespace trapline::collector
