#include "collector/ingest/item_writer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <pthread.h>

#include "collector/ingest/item_reader.h"

namespace trapline::collector {
namespace {

constexpr std::size_t kMostItemsPerRun = 200;
constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{5'000};

}  // namespace

ItemWriter::ItemWriter(Spool& spool, Store& store, const UserKey& user_key,
                       std::function<void(const std::string&)> on_trouble)
    : spool_(spool), store_(store), scrubber_(store, user_key), on_trouble_(std::move(on_trouble)) {}

ItemWriter::~ItemWriter() { stop(); }

void ItemWriter::start() {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "trapline-items");
}

void ItemWriter::stop() {
  spool_.stop();
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ItemWriter::run() {
  while (true) {
    auto items = spool_.claim_items(kMostItemsPerRun);
    if (!items || items->empty()) return;
    std::vector<StoredItem> records;
    std::vector<std::int64_t> sequences;
    for (SpooledItem& item : *items) {
      sequences.push_back(item.sequence);
      for (StoredItem& record : read_item(std::move(item))) records.push_back(std::move(record));
    }
    if (!store(records)) return;
    written_.fetch_add(sequences.size(), std::memory_order_relaxed);
    // A release that fails repeats the work after a restart, and nothing else.
    static_cast<void>(spool_.release(sequences));
  }
}

bool ItemWriter::store(std::vector<StoredItem>& items) {
  bool is_scrubbed = false;
  for (std::chrono::milliseconds pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
    // On a disk that is nearly full they wait in the spool, where they count against its bound.
    Status status = items.empty() ? Status{} : spool_.check_disk();
    if (status && !is_scrubbed) {
      status = scrubber_.scrub(items);
      is_scrubbed = status.ok();
    }
    if (status && !items.empty()) status = store_.append_items(items);
    if (on_trouble_ && status.ok() && pause != kFirstPause) on_trouble_("");
    if (status) return true;
    if (on_trouble_ && pause == kFirstPause) on_trouble_(status.error().message);
    std::unique_lock lock(mutex_);
    if (stopping_.wait_for(lock, pause, [&] { return is_stopping_; })) return false;
  }
}

}  // namespace trapline::collector
