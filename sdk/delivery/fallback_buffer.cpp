#include "sdk/delivery/fallback_buffer.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace trapline::sdk {
namespace {

/// Ids of the memory's items are above all of the file's.
constexpr std::int64_t kMemoryIds = std::int64_t{1} << 62;

class FallbackBuffer final : public EventBuffer {
 public:
  FallbackBuffer(std::unique_ptr<EventBuffer> file, std::unique_ptr<EventBuffer> memory)
      : file_(std::move(file)), memory_(std::move(memory)) {}

  Kept add(const std::string& run_id, std::uint64_t drained_to, const std::vector<NewItem>& items,
           bool must_last) override {
    const Kept kept = file_->add(run_id, drained_to, items);
    return kept == Kept::kNot ? memory_->add(run_id, drained_to, items, must_last) : kept;
  }
  bool holds_volatile() override { return memory_->holds_volatile(); }
  void lock_for_fork() override { file_->lock_for_fork(); }
  void unlock_after_fork() override { file_->unlock_after_fork(); }
  Drained drained(const std::string& run_id) override { return file_->drained(run_id); }
  void adopt(const std::string& run_id, const GoneLedger& ledger) override { file_->adopt(run_id, ledger); }
  void adopt_from(const std::string& run_id, const std::string& keeper) override { file_->adopt_from(run_id, keeper); }
  RunLedger ledger(const std::string& run_id) override { return file_->ledger(run_id); }
  std::optional<RunLedger> untold_ledger() override { return file_->untold_ledger(); }
  bool note_told(const std::string& run_id, const Told& told) override { return file_->note_told(run_id, told); }
  std::vector<std::string> other_runs() override { return file_->other_runs(); }

  /// A list that the file cannot take is kept in memory, by a negative number.
  std::int64_t put_images(const std::string& debug_meta) override {
    const std::int64_t id = file_->put_images(debug_meta);
    return id != 0 ? id : -memory_->put_images(debug_meta);
  }
  std::string images(std::int64_t id) override { return id < 0 ? memory_->images(-id) : file_->images(id); }

  std::vector<RepeatCount> finish_repeats(const std::vector<RepeatCount>& repeats) override {
    return memory_->finish_repeats(file_->finish_repeats(repeats));
  }

  std::vector<BufferedItem> take(ItemKind kind, std::size_t max_items, std::size_t max_bytes) override {
    std::vector<BufferedItem> items = memory_->take(kind, max_items, max_bytes);
    for (BufferedItem& item : items) item.id += kMemoryIds;
    return items.empty() ? file_->take(kind, max_items, max_bytes) : items;
  }

  bool remove(const std::vector<BufferedItem>& items, Fate fate) override {
    std::vector<BufferedItem> in_memory;
    std::vector<BufferedItem> in_file;
    for (const BufferedItem& item : items) {
      if (item.id > kMemoryIds) {
        in_memory.push_back(item);
        in_memory.back().id -= kMemoryIds;
      } else {
        in_file.push_back(item);
      }
    }
    const bool has_left_memory = memory_->remove(in_memory, fate);
    return file_->remove(in_file, fate) && has_left_memory;
  }

  void evict_old(core::UnixMillis now) override { file_->evict_old(now); }
  std::size_t own_events() override { return file_->own_events() + memory_->own_events(); }
  std::int64_t last_id() override {
    const std::int64_t in_memory = memory_->last_id();
    return in_memory != 0 ? in_memory + kMemoryIds : file_->last_id();
  }
  std::int64_t first_id() override {
    const std::int64_t in_file = file_->first_id();
    if (in_file != 0) return in_file;
    const std::int64_t in_memory = memory_->first_id();
    return in_memory != 0 ? in_memory + kMemoryIds : 0;
  }
  std::size_t lose_volatile() override { return memory_->lose_volatile(); }

 private:
  const std::unique_ptr<EventBuffer> file_;
  const std::unique_ptr<EventBuffer> memory_;
};

}  // namespace

std::unique_ptr<EventBuffer> with_fallback(std::unique_ptr<EventBuffer> file, std::unique_ptr<EventBuffer> memory) {
  return std::make_unique<FallbackBuffer>(std::move(file), std::move(memory));
}

}  // namespace trapline::sdk
