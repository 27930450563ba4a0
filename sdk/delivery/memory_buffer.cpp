#include "sdk/delivery/memory_buffer.h"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>

namespace trapline::sdk {
namespace {

struct Held {
  BufferedItem item;
  bool is_held = false;
};

class MemoryBuffer final : public EventBuffer {
 public:
  MemoryBuffer(std::size_t max_bytes, LedgerCounters& ledger) : max_bytes_(max_bytes), ledger_(ledger) {}

  Kept add(const std::string& run_id, std::uint64_t /*drained_to*/, const std::vector<NewItem>& items,
           bool must_last) override {
    if (must_last) return Kept::kNot;
    const std::lock_guard lock(mutex_);
    for (const NewItem& item : items) {
      items_.push_back({{++last_id_, item.kind, item.event_id, item.body, item.images, 0, 0, run_id}, item.is_held});
      bytes_ += item.body.size();
    }
    while (bytes_ > max_bytes_ && !items_.empty()) {
      bytes_ -= items_.front().item.body.size();
      if (items_.front().item.kind == ItemKind::kEvent) ledger_.count(Fate::kEvicted);
      items_.pop_front();
    }
    return Kept::kVolatile;
  }
  bool holds_volatile() override {
    const std::lock_guard lock(mutex_);
    return !items_.empty();
  }

  Drained drained(const std::string& /*run_id*/) override { return {}; }
  void adopt(const std::string& /*run_id*/, const GoneLedger& /*ledger*/) override {}
  void adopt_from(const std::string& /*run_id*/, const std::string& /*keeper*/) override {}
  RunLedger ledger(const std::string& run_id) override { return {run_id, {}}; }
  std::optional<RunLedger> untold_ledger() override { return std::nullopt; }
  bool note_told(const std::string& /*run_id*/, const Told& /*told*/) override { return true; }
  std::vector<std::string> other_runs() override { return {}; }

  std::int64_t put_images(const std::string& debug_meta) override {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, body] : images_) {
      if (body == debug_meta) return id;
    }
    const auto id = static_cast<std::int64_t>(images_.size()) + 1;
    images_.emplace(id, debug_meta);
    return id;
  }
  std::string images(std::int64_t id) override {
    const std::lock_guard lock(mutex_);
    const auto found = images_.find(id);
    return found != images_.end() ? found->second : std::string();
  }

  std::vector<RepeatCount> finish_repeats(const std::vector<RepeatCount>& repeats) override {
    const std::lock_guard lock(mutex_);
    std::vector<RepeatCount> missing;
    for (const RepeatCount& repeat : repeats) {
      const auto held = std::find_if(items_.begin(), items_.end(), [&](const Held& one) {
        return one.is_held && one.item.event_id == repeat.event_id;
      });
      if (held == items_.end()) {
        missing.push_back(repeat);
        continue;
      }
      held->is_held = false;
      held->item.repeat_count = repeat.count;
      held->item.repeat_last = repeat.last;
    }
    return missing;
  }

  std::vector<BufferedItem> take(ItemKind kind, std::size_t max_items, std::size_t max_bytes) override {
    const std::lock_guard lock(mutex_);
    std::vector<BufferedItem> taken;
    std::size_t bytes = 0;
    for (const Held& held : items_) {
      if (held.is_held || held.item.kind != kind) continue;
      bytes += held.item.body.size();
      if (taken.size() == max_items || (!taken.empty() && bytes > max_bytes)) break;
      taken.push_back(held.item);
    }
    return taken;
  }

  bool remove(const std::vector<BufferedItem>& items, Fate fate) override {
    const std::lock_guard lock(mutex_);
    for (const BufferedItem& item : items) {
      const auto found =
          std::find_if(items_.begin(), items_.end(), [&](const Held& held) { return held.item.id == item.id; });
      if (found == items_.end()) continue;
      bytes_ -= found->item.body.size();
      if (item.kind == ItemKind::kEvent) ledger_.count(fate);
      items_.erase(found);
    }
    return true;
  }

  void evict_old(core::UnixMillis /*now*/) override {}

  std::size_t own_events() override {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(items_.begin(), items_.end(),
                                                  [](const Held& held) { return held.item.kind == ItemKind::kEvent; }));
  }
  std::int64_t last_id() override {
    const std::lock_guard lock(mutex_);
    return items_.empty() ? 0 : items_.back().item.id;
  }
  std::int64_t first_id() override {
    const std::lock_guard lock(mutex_);
    const auto first = std::find_if(items_.begin(), items_.end(), [](const Held& held) { return !held.is_held; });
    return first != items_.end() ? first->item.id : 0;
  }

  std::size_t lose_volatile() override {
    const std::size_t lost = own_events();
    const std::lock_guard lock(mutex_);
    ledger_.count(Fate::kBufferFailed, lost);
    items_.clear();
    bytes_ = 0;
    return lost;
  }

 private:
  const std::size_t max_bytes_;
  LedgerCounters& ledger_;
  std::mutex mutex_;
  std::deque<Held> items_;  ///< by id; guarded by mutex_, as all below
  std::map<std::int64_t, std::string> images_;
  std::int64_t last_id_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<EventBuffer> make_memory_buffer(std::size_t max_bytes, LedgerCounters& ledger) {
  return std::make_unique<MemoryBuffer>(max_bytes, ledger);
}

}  // namespace trapline::sdk
