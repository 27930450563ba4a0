#include "collector/cold_archive.h"

#include <utility>

#include <spdlog/spdlog.h>

namespace trapline::collector {

Result<std::unique_ptr<ColdArchive>> ColdArchive::open(const Config& config, Store& store) {
  if (config.archive.url.empty()) return std::unique_ptr<ColdArchive>();
  std::unique_ptr<ColdArchive> archive(new ColdArchive(config));
  ArchiveAddress address = config.archive;
  address.is_cancelled = [&is_stopping = archive->is_stopping_] { return is_stopping.load(); };
  auto objects = open_objects(address);
  if (!objects) return objects.error();
  archive->objects_ = std::move(*objects);
  ArchiverOptions options;
  options.made_by = TRAPLINE_VERSION;
  options.say = [](const std::string& news) { spdlog::info("{}", news); };
  archive->archiver_ = std::make_unique<Archiver>(store, *archive->objects_, archive->sealer_, std::move(options));
  return archive;
}

RetentionPolicy ColdArchive::policy(RetentionPolicy policy) const {
  policy.has_archive = true;
  policy.archive_fails = is_failing();
  return policy;
}

void ColdArchive::follow(const RetentionStep& step) {
  if (step.goes_unarchived) archiver_->count_unarchived();
  // A purge that goes through the archive may take its time: retention does not wait for it.
  const std::unique_lock turn(turn_, std::try_to_lock);
  if (!turn) return;
  if (!std::exchange(was_looked_at_, true)) look();
  if (!step.to_archive || is_stopping_) return;
  const Status status = archiver_->work_on(*step.to_archive);
  if (!status && !is_stopping_) {
    spdlog::error("events that are to go stay, as they cannot be archived: {}", status.error().message);
  }
}

/// Somebody who has mistyped it learns so now, and not in ninety days.
void ColdArchive::look() {
  const auto days = list_archived_days(*objects_);
  if (days) {
    spdlog::info("the archive {} has {} days", objects_->place(), days->size());
  } else if (!is_stopping_) {
    spdlog::error("the archive cannot be used: {}", days.error().message);
  }
}

}  // namespace trapline::collector
