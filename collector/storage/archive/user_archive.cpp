#include "collector/storage/archive/user_archive.h"

#include <exception>
#include <optional>
#include <string_view>
#include <utility>

#include "collector/storage/archive/day_manifest.h"
#include "collector/storage/archive/day_restore.h"
#include "collector/storage/archive/event_lines.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;
using core::Status;

/// Whose an archived event is.
class UserFilter {
 public:
  UserFilter(const UserSelector& user, const PayloadReader& reader) : user_(user), reader_(reader) {}

  bool operator()(const StoredEvent& stored) {
    if (user_.project && *user_.project != stored.event.project_id) return false;
    try {
      if (!tells_of(user_, reader_, stored.event)) return false;
    } catch (const std::exception&) {
      ++found.unreadable;
      return false;
    }
    ++found.events[stored.event.project_id];
    return true;
  }

  ArchivedOfUser found;

 private:
  const UserSelector& user_;
  const PayloadReader& reader_;
};

std::unique_lock<std::mutex> take_turn(const ArchiveInUse& archive) {
  return archive.turn != nullptr ? std::unique_lock(*archive.turn) : std::unique_lock<std::mutex>();
}

Status read_archived(const ArchiveInUse& archive, std::int64_t day, const DayManifest::Object& object,
                     const std::function<Status(const StoredEvent&)>& take) {
  const auto frame = read_object(archive.objects, archive.sealer, day, object);
  if (!frame) return frame.error();
  return for_each_line(*frame, [&](std::string_view line) -> Status {
    const auto stored = read_archive_line(line);
    return stored ? take(*stored) : Status(stored.error());
  });
}

/// Hands on what the archive has of the day. Without a manifest it is being removed.
Status read_day(const ArchiveInUse& archive, const std::optional<DayManifest>& manifest,
                const std::function<Status(const StoredEvent&)>& take) {
  if (!manifest) return {};
  for (const DayManifest::Object& object : manifest->objects) {
    if (Status status = read_archived(archive, manifest->day, object, take); !status) return status;
  }
  return {};
}

Status for_each_day(const ArchiveInUse& archive, const ArchiveProgress& on_progress,
                    const std::function<Status(std::int64_t day)>& work) {
  auto turn = take_turn(archive);
  const auto days = list_archived_days(archive.objects);
  if (!days) return days.error();
  constexpr std::size_t kAll = 100;
  for (std::size_t index = 0; index < days->size(); ++index) {
    if (turn) turn.unlock();
    if (!on_progress(static_cast<int>(index * kAll / days->size()))) {
      return Error{"broken_off", "the archive was not gone through to its end: run it again, and it does the rest"};
    }
    if (archive.turn != nullptr) turn.lock();
    if (Status status = work((*days)[index]); !status) return status;
  }
  return {};
}

/// One day that cannot be read must not keep the user's events in all others.
Status leave_out(const Error& error, ArchivedOfUser& found) {
  if (error.code != "archive_damaged" && error.code != "missing_key") return error;
  found.left_out.push_back(error);
  return {};
}

Error rewritten(std::int64_t day) {
  return {"archive_changed", "the archive of " + day_text(day) +
                                 " was written anew while it was read, as a user was erased: ask once more"};
}

}  // namespace

Result<ArchivedOfUser> erase_from_archive(const ArchiveInUse& archive, const UserSelector& user,
                                          const PayloadReader& reader, bool is_dry,
                                          const ArchiveProgress& on_progress) {
  ArchivedOfUser all;
  {
    const auto turn = take_turn(archive);
    archive.before_erasing();
    if (!is_dry) {
      if (Status status = remove_unfinished_days(archive.objects); !status) return status.error();
    }
  }
  // A day is written to only when it must be.
  const Status status = for_each_day(archive, on_progress, [&](std::int64_t day) -> Status {
    UserFilter filter(user, reader);
    const auto manifest = read_manifest(archive.objects, day);
    if (!manifest) return leave_out(manifest.error(), all);
    if (!is_dry) {
      if (Status removed = remove_strays(archive.objects, day, *manifest); !removed) return removed;
    }
    Status read = read_day(archive, *manifest, [&](const StoredEvent& stored) -> Status {
      filter(stored);
      return {};
    });
    if (!read) return leave_out(read.error(), all);
    all.unreadable += filter.found.unreadable;
    if (!is_dry && !filter.found.events.empty()) {
      const auto rewritten = rewrite_day(archive.objects, archive.sealer, day, filter);
      if (!rewritten) return leave_out(rewritten.error(), all);
    }
    for (const auto& [project, count] : filter.found.events) all.events[project] += count;
    return {};
  });
  if (!status) return status.error();
  return all;
}

/// Whether there is one: the next of the day at hand, or the first of a later day.
Result<bool> UserArchiveWalk::find_object() {
  if (!days_) {
    auto days = list_archived_days(archive_.objects);
    if (!days) return days.error();
    days_ = std::move(*days);
  }
  while (!manifest_ || next_object_ == manifest_->objects.size()) {
    if (next_day_ == days_->size()) return false;
    auto manifest = read_manifest(archive_.objects, (*days_)[next_day_]);
    if (!manifest) return manifest.error();
    manifest_ = std::move(*manifest);  // none: the day is being removed
    ++next_day_;
    next_object_ = 0;
  }
  return true;
}

Result<bool> UserArchiveWalk::walk_on(const std::function<Status(const StoredEvent&)>& take) {
  const auto turn = take_turn(archive_);
  auto is_there = find_object();
  if (!is_there || !*is_there) return is_there;
  UserFilter filter(user_, reader_);
  Status status = read_archived(archive_, manifest_->day, manifest_->objects[next_object_],
                                [&](const StoredEvent& stored) { return filter(stored) ? take(stored) : Status(); });
  if (!status) return was_rewritten() ? rewritten(manifest_->day) : status.error();
  ++next_object_;
  return true;
}

/// A purge may have written the day anew between two of its objects.
bool UserArchiveWalk::was_rewritten() const {
  const auto now = read_manifest(archive_.objects, manifest_->day);
  if (!now) return false;
  const auto& object = manifest_->objects[next_object_];
  return !*now || std::none_of((*now)->objects.begin(), (*now)->objects.end(),
                               [&](const DayManifest::Object& other) { return other.name == object.name; });
}

int UserArchiveWalk::percent() const {
  constexpr std::size_t kAll = 100;
  return !days_ || days_->empty() ? 0 : static_cast<int>(next_day_ * kAll / days_->size());
}

}  // namespace trapline::collector
