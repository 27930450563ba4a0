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
                       std::function<void(const std::string&)> on_trouble, OnRefused on_refused)
    : spool_(spool),
      store_(store),
      scrubber_(store, user_key),
      on_trouble_(std::move(on_trouble)),
      on_refused_(std::move(on_refused)) {}

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
  return items.empty() || (insist([&] { return scrubber_.scrub(items); }) && append(items));
}

/// What the database refuses for its own sake, and would again, must not hold up the others: it is looked for by
/// halves.
bool ItemWriter::append(std::span<const StoredItem> items) {
  Status status;
  const bool is_done = insist([&] {
    status = store_.append_items(items);
    const bool is_refused = !status && status.error().code == "unstorable";
    return is_refused ? Status{} : status;
  });
  if (!is_done || status) return is_done;
  if (items.size() == 1) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    if (on_refused_) on_refused_(items.front(), status.error().message);
    return true;
  }
  const std::size_t half = items.size() / 2;
  return append(items.first(half)) && append(items.subspan(half));
}

bool ItemWriter::insist(const std::function<Status()>& work) {
  for (std::chrono::milliseconds pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
    // On a disk that is nearly full they wait in the spool, where they count against its bound.
    Status status = spool_.check_disk();
    if (status) status = work();
    if (on_trouble_ && status.ok() && pause != kFirstPause) on_trouble_("");
    if (status) return true;
    if (on_trouble_ && pause == kFirstPause) on_trouble_(status.error().message);
    std::unique_lock lock(mutex_);
    if (stopping_.wait_for(lock, pause, [&] { return is_stopping_; })) return false;
  }
}

}  // namespace trapline::collector
